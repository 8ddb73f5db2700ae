import type { JobView, Problem } from '@farm/contracts';

export const asBearer = (key: string) => ({ authorization: `Bearer ${key}` });

export const plainSpec = { prompt: 'A person speaks to the camera in soft light.' };

/** A part's value: JSON for a spec, bytes for a file. */
export type Parts = [name: string, value: unknown, fileName?: string][];

export function formOf(parts: Parts): FormData {
  const form = new FormData();
  for (const [name, value, fileName] of parts) {
    if (value instanceof Blob) form.append(name, value, fileName ?? name);
    else form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export async function call<Body = Problem>(url: string, key: string, init: RequestInit = {}): Promise<Answer<Body>> {
  const response = await fetch(url, { ...init, headers: { ...asBearer(key), ...(init.headers as object) } });
  const text = await response.text();
  const isJson = /application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson && text ? JSON.parse(text) : text) as Body,
  };
}

export async function submit<Body = JobView>(
  farm: { url: string; key: string },
  parts: Parts,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  return await call<Body>(`${farm.url}/v1/jobs`, farm.key, { method: 'POST', body: formOf(parts), headers });
}

export const postJson = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
