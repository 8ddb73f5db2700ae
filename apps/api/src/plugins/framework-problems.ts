/** What the framework's own refusals are called here; without `detail` its sentence stands. */
export const frameworkProblems: Readonly<Record<string, { status: number; code: string; detail?: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'unsupported-media-type',
    detail: 'Send multipart/form-data or application/json, and say which in Content-Type.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body-too-large', detail: 'The JSON body is larger than 256 KiB.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'bad-json', detail: 'The body is empty; send a JSON object.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'bad-json', detail: 'The body is not valid JSON.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'bad-content-length',
    detail: 'The body is not as long as Content-Length says.',
  },
  FST_INVALID_JSON_FIELD_ERROR: {
    status: 400,
    code: 'bad-json',
    detail: 'A part is announced as application/json and is not valid JSON.',
  },
  FST_PROTO_VIOLATION: { status: 400, code: 'bad-part-name', detail: 'A part has a name that no part may have.' },
  FST_PARTS_LIMIT: { status: 413, code: 'too-many-parts', detail: 'Send one part each of spec, image and audio.' },
  FST_FILES_LIMIT: { status: 413, code: 'too-many-parts', detail: 'Send one part each of spec, image and audio.' },
  FST_FIELDS_LIMIT: { status: 413, code: 'too-many-parts', detail: 'Send one part each of spec, image and audio.' },
  FST_MP_PREMATURE_CLOSE: { status: 400, code: 'upload-aborted', detail: 'The connection ended before the body did.' },
  FST_ERR_BAD_URL: { status: 400, code: 'bad-url', detail: 'The path is not valid percent-encoded UTF-8.' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 404, code: 'route-not-found', detail: 'There is nothing at so long a path.' },
};
