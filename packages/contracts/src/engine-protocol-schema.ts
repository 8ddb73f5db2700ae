import { z } from 'zod';
import { ENGINE_PROTOCOL_VERSION, EngineCommand, EngineEvent } from './engine-protocol.js';

/**
 * The engine protocol as JSON Schema (draft 7), one schema for each type of line, so that the Python side can name
 * the field that is wrong instead of "matches none of ten".
 */
export function engineProtocolSchema() {
  return {
    protocolVersion: ENGINE_PROTOCOL_VERSION,
    commands: schemasByType(EngineCommand.options),
    events: schemasByType(EngineEvent.options),
  };
}

type LineSchema = z.ZodObject<{ type: z.ZodLiteral<string> }>;

function schemasByType(lines: readonly z.ZodType[]): Record<string, object> {
  return Object.fromEntries(
    (lines as readonly LineSchema[]).map((line) => [
      line.shape.type.value,
      // What a person writes and a program reads are the same here: the protocol has no defaults and no transforms.
      z.toJSONSchema(line, { target: 'draft-7' }),
    ]),
  );
}
