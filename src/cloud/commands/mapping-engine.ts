import { readFile } from 'node:fs/promises';
import { mappingProblem } from '../../services/identity/model/mapping/check.ts';
import { mapAssertion } from '../../services/identity/model/mapping/engine.ts';
import type { MappingRule, SchemaVersion } from '../../services/identity/model/mapping/mapping.ts';

export interface MappingEngineFlags {
  /** A file of rules: JSON, `{ "rules": […] }` or the list alone. */
  rules: string;
  /** A file of attributes: a line `name: value` for each. */
  input: string;
  /** Only attributes whose names begin so count. */
  prefix?: string;
  mappingSchemaVersion?: string;
}

/**
 * Tries rules on the attributes of somebody, without a cloud: `keystone-manage mapping_engine`.
 *
 * @returns what they make of him, as JSON
 * @throws Error saying what is wrong with the rules or the attributes, or that they give nobody
 */
export async function tryMapping(flags: MappingEngineFlags): Promise<string> {
  const mapping = mappingIn(flags.rules, await readFile(flags.rules, 'utf8'));
  const version = flags.mappingSchemaVersion ?? mapping.schema_version ?? '1.0';
  const problem = mappingProblem({ rules: mapping.rules, schema_version: version });
  if (problem) throw new Error(`${flags.rules}: ${problem}`);
  const attributes = attributesIn(flags.input, await readFile(flags.input, 'utf8'));
  const wanted = Object.entries(attributes).filter(([name]) => name.startsWith(flags.prefix ?? ''));
  const { user, groupIds, groups, projects } = mapAssertion(
    { rules: mapping.rules as MappingRule[], schemaVersion: version as SchemaVersion },
    Object.fromEntries(wanted),
  );
  return JSON.stringify({ user, group_ids: groupIds, group_names: groups, projects }, null, 2);
}

function mappingIn(file: string, text: string): { rules?: unknown; schema_version?: string } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (Array.isArray(read)) return { rules: read };
  if (typeof read !== 'object' || read === null) throw new Error(`${file} has no rules`);
  return read;
}

function attributesIn(file: string, text: string): Record<string, string> {
  const lines = text.split('\n').map((line, at) => ({ line: line.trim(), number: at + 1 }));
  return Object.fromEntries(
    lines
      .filter(({ line }) => line !== '')
      .map(({ line, number }) => {
        const cut = line.indexOf(':');
        if (cut < 1) throw new Error(`${file}, line ${number}: expected 'name: value', found '${line}'`);
        return [line.slice(0, cut).trim(), line.slice(cut + 1).trim()];
      }),
  );
}
