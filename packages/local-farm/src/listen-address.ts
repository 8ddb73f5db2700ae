import { hostname } from 'node:os';

export interface ListenAddress {
  readonly host: string;
  /** Where other machines reach the API; default: host and port. */
  readonly publicUrl?: string | undefined;
}

export const isLoopback = (host: string) => host === 'localhost' || host.startsWith('127.');

/** The name under which other machines find this one. */
export function reachableHost({ host, publicUrl }: ListenAddress): string {
  if (publicUrl !== undefined) return new URL(publicUrl).hostname;
  return host === '0.0.0.0' ? hostname() : host;
}
