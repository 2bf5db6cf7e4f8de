import { Type } from 'typebox';
import { validator } from '../../../../platform/http/validation.ts';
import { type MappingRule, type SchemaVersion, schemaVersions } from './mapping.ts';
import { pythonPattern } from './pattern.ts';

const text = { type: 'string' };
const closed = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
});
const domain = closed({ id: text, name: text });
const roles = { type: 'array', items: closed({ name: text }, ['name']) };

const projects = (withDomain: boolean): object => ({
  type: 'array',
  items: closed({ name: text, roles, ...(withDomain ? { domain } : {}) }, ['name', 'roles']),
});

const conditions = ['any_one_of', 'not_any_of', 'blacklist', 'whitelist'] as const;
const condition = (name: string): object =>
  closed({ type: text, [name]: { type: 'array' }, regex: { type: 'boolean' } }, ['type', name]);

const user = closed({ id: text, name: text, email: text, domain, type: { enum: ['ephemeral', 'local'] } });
const group = {
  type: 'object',
  oneOf: [closed({ id: text }, ['id']), closed({ name: text, domain }, ['name', 'domain'])],
};

function mappingSchema(version: SchemaVersion): object {
  const local = closed({
    user,
    group,
    groups: text,
    group_ids: text,
    domain,
    projects: projects(version !== '1.0'),
    ...(version === '3.0' ? { projects_json: text } : {}),
  });
  const remote = {
    type: 'array',
    minItems: 1,
    items: { type: 'object', oneOf: [closed({ type: text }, ['type']), ...conditions.map(condition)] },
  };
  const rule = closed({ local: { type: 'array', items: local }, remote }, ['local', 'remote']);
  return {
    type: 'object',
    required: ['rules'],
    properties: { rules: { type: 'array', minItems: 1, items: rule }, schema_version: text },
  };
}

const checks = Object.fromEntries(
  schemaVersions.map((version) => [version, validator(() => Type.Unsafe(mappingSchema(version)))]),
);
const projectsCheck = validator(() => Type.Unsafe(projects(true)));

/**
 * What keeps a mapping from being one, in words for who wrote it; `undefined` where nothing does.
 *
 * @param mapping as an API request has it: `{ rules, schema_version }`
 */
export function mappingProblem(mapping: { rules?: unknown; schema_version: string }): string | undefined {
  const check = checks[mapping.schema_version];
  if (!check) return `'${mapping.schema_version.slice(0, 20)}' is not one of ${schemaVersions.join(', ')}`;
  const invalid = check(mapping);
  if (invalid) return `${invalid.path.join('/') || 'mapping'}: ${invalid.message}`;
  return patternProblem(mapping.rules as MappingRule[]);
}

/** What keeps a list of projects from being one. */
export const projectsProblem = (value: unknown): string | undefined => projectsCheck(value)?.message;

/** Upstream finds out when somebody logs in. */
function patternProblem(rules: readonly MappingRule[]): string | undefined {
  for (const requirement of rules.flatMap((rule) => rule.remote)) {
    if (!requirement.regex) continue;
    for (const source of conditions.flatMap((name) => requirement[name] ?? [])) {
      try {
        pythonPattern(String(source));
      } catch (error) {
        return `'${String(source).slice(0, 100)}' is not a regular expression: ${(error as Error).message}`;
      }
    }
  }
  return undefined;
}
