import { basename } from 'node:path';

// Anything else, above all HTML and SVG, could run scripts in the API's origin.
const shownInline =
  /^(?:audio\/|video\/|image\/(?!svg)|application\/json|text\/plain|text\/vtt|application\/vnd\.apple\.mpegurl)/;

/**
 * Content-Disposition (RFC 6266): media are shown; everything else, and whatever has a `downloadName`, is saved. Names
 * outside ASCII are sent as `filename*`.
 */
export function contentDisposition(key: string, contentType: string, downloadName: string | undefined): string {
  const kind = downloadName === undefined && shownInline.test(contentType) ? 'inline' : 'attachment';
  const name = (downloadName ?? basename(key)).replaceAll(/\p{Surrogate}/gu, '_');
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return plain === name ? `${kind}; filename="${plain}"` : `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
