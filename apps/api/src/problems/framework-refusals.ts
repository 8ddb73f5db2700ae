import type { ErrorCode } from '@farm/contracts';

interface FrameworkRefusal {
  code: ErrorCode;
  detail: string;
}

const tooManyParts: FrameworkRefusal = {
  code: 'too-many-parts',
  detail: 'Send one part each of spec, portrait and speech.',
};

/** What a refusal of the framework, by its own code, is called here. */
export const frameworkRefusals: Readonly<Record<string, FrameworkRefusal>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported-media-type',
    detail: 'Send multipart/form-data or application/json, and say which in Content-Type.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body-too-large', detail: 'The JSON body is larger than 256 KiB.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'bad-json', detail: 'The body is empty; send a JSON object.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'bad-json', detail: 'The body is not valid JSON.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'bad-content-length',
    detail: 'The body is not as long as Content-Length says.',
  },
  FST_INVALID_JSON_FIELD_ERROR: {
    code: 'bad-json',
    detail: 'A part is announced as application/json and is not valid JSON.',
  },
  FST_PROTO_VIOLATION: { code: 'bad-part-name', detail: 'A part has a name that no part may have.' },
  FST_PARTS_LIMIT: tooManyParts,
  FST_FILES_LIMIT: tooManyParts,
  FST_FIELDS_LIMIT: tooManyParts,
  FST_MP_PREMATURE_CLOSE: { code: 'upload-aborted', detail: 'The connection ended before the body did.' },
  FST_ERR_BAD_URL: { code: 'bad-url', detail: 'The path is not valid percent-encoded UTF-8.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'route-not-found', detail: 'There is nothing at such a long path.' },
};
