import { Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Extra } from '../store/tables.ts';

export const Name = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '\\S' });
export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' });
export const NullableId = Type.Union([Type.Null(), Id]);
export const NullableText = Type.Union([Type.Null(), Type.String({ maxLength: 65_535 })]);
/** Null or a text, of which complaints name null first. */
export const nullOr = (maxLength: number) =>
  Type.Unsafe<string | null>({ type: ['null', 'string'], maxLength });
export const Enabled = Type.Boolean();
export const Options = Type.Record(Type.String({ maxLength: 255 }), Type.Unknown());

/** What is kept beside the described attributes; ids and links are never among them. */
export function keptExtra(extra: Record<string, unknown>, before: Extra = {}): Extra {
  const { links: _links, ...kept } = extra;
  return { ...before, ...kept };
}

/** Options after an update: those that are given replace, `null` removes. */
export function mergedOptions(before: Extra, given: Extra | undefined): Extra {
  const merged = Object.entries({ ...before, ...given }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged);
}

/** The domain that something is made in: as given, else the caller's own where his token is for one, else Default. */
export const domainFor = (given: string | null | undefined, call: Call): string =>
  given ?? call.credentials.domainId ?? 'default';

/** @throws BadRequest where an update would move a resource */
export function assertUnmoved(given: Record<string, unknown>, row: { id: string; domain_id?: string }): void {
  if (given['id'] !== undefined && given['id'] !== row.id) throw new BadRequest('Cannot change ID');
  const { domain_id } = given;
  if (domain_id !== undefined && row.domain_id !== undefined && (domain_id ?? '-') !== row.domain_id) {
    throw new BadRequest('Cannot change Domain ID');
  }
}

/** @throws Forbidden for what its options protect, unless the change itself lifts the protection */
export function assertMutable(what: string, row: { id: string; options: Extra }, given?: Extra): void {
  if (row.options['immutable'] !== true) return;
  if (given && 'immutable' in given && given['immutable'] !== true) return;
  // Upstream's words, its lone backquote among them.
  throw new Forbidden(
    `Unable to ${given ? 'update' : 'delete'} immutable ${what} resource: \`${row.id}. ` +
      'Set resource option "immutable" to false first.',
  );
}
