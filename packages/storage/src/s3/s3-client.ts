import { Client } from 'minio';
import type { S3StorageConfiguration } from '../storage-configuration.js';
import type { S3Transport } from './s3-transport.js';

/** The configuration with its credentials read. */
export interface S3Settings extends Omit<S3StorageConfiguration, 'accessKeyId' | 'secretAccessKey'> {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A client for one endpoint. The region is always set: without one, even signing asks the server for it. */
export function createClient(endpoint: string, settings: S3Settings, transport: S3Transport): Client {
  const { protocol, hostname, port } = new URL(endpoint);
  const secure = protocol === 'https:';
  return new Client({
    endPoint: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    useSSL: secure,
    region: settings.region,
    accessKey: settings.accessKeyId,
    secretKey: settings.secretAccessKey,
    pathStyle: settings.pathStyle,
    transport: { request: transport.request },
    transportAgent: transport.agent,
    retryOptions: { disableRetry: true },
  });
}
