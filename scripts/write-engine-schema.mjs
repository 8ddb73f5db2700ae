// Writes the JSON Schema of the engine protocol to where the Python side reads it. Run it after `npm run build`.
import { writeFile } from 'node:fs/promises';
import { engineProtocolSchema } from '../packages/contracts/dist/engine-protocol-schema.js';

const target = new URL('../packages/engine/farm_engine/protocol/engine-protocol.schema.json', import.meta.url);
await writeFile(target, `${JSON.stringify(engineProtocolSchema(), null, 2)}\n`);
