import { BadRequest } from '../../../platform/errors/errors.ts';
import { pythonRepr } from '../../../platform/http/validation.ts';

/** The values of query parameters; each throws BadRequest in upstream's words (`placement/util.py`). */

const invalid = 'Invalid query string parameters:';

/**
 * How Python's jsonschema goes on after what is wrong, but for the schema itself. The last line is what was sent: it is
 * all that the stock command shows of a refusal.
 *
 * @param sent the parameter's value, or all parameters where no single one is at fault
 */
export function failed(keyword: string, sent: unknown, parameter?: string): string {
  const schema = parameter === undefined ? '' : `['properties']['${parameter}']`;
  const instance = parameter === undefined ? '' : `['${parameter}']`;
  return (
    `\n\nFailed validating '${keyword}' in schema${schema}\n\n` +
    `On instance${instance}:\n    ${pythonRepr(sent).slice(0, 300)}`
  );
}

/** `VCPU:2,MEMORY_MB:1024` */
export function parseResources(text: string): Map<string, number> {
  const form =
    'Badly formed resources parameter. Expected resources query string parameter in form: ' +
    '?resources=VCPU:2,MEMORY_MB:1024. Got:';
  if (text.trim() === '') throw new BadRequest(`${form} empty string.`);
  const resources = new Map<string, number>();
  for (const item of text.split(',')) {
    const [name, amountText, more] = item.split(':');
    if (name === undefined || amountText === undefined || more !== undefined) {
      throw new BadRequest(`${form} ${item}.`);
    }
    const amount = /^\s*[+-]?\d+\s*$/.test(amountText) ? Number(amountText) : Number.NaN;
    if (!Number.isSafeInteger(amount)) {
      throw new BadRequest(
        `Requested resource ${name} expected positive integer amount. Got: ${amountText}.`,
      );
    }
    if (amount < 1) {
      throw new BadRequest(`Requested resource ${name} requires amount >= 1. Got: ${amount}.`);
    }
    resources.set(name, amount);
  }
  return resources;
}

export interface TraitCondition {
  /** every set must be met, by any one of its traits */
  required: Set<string>[];
  forbidden: Set<string>;
}

/** `A,!B` or `in:A,B`, the parts of which the microversion may not know yet */
export function parseTraits(text: string, allow: { forbidden: boolean; any: boolean }): TraitCondition {
  if (text.startsWith('in:')) return { required: [parseAnyTraits(text, allow.any)], forbidden: new Set() };
  const items = text.split(',').map((item) => item.trim());
  const forbidden = new Set(
    // Any number of exclamation marks counts as one: an old slip of upstream's that it decided to keep.
    items.filter((item) => item.startsWith('!')).map((item) => item.replace(/^!+/, '')),
  );
  const expected = `${invalid} Expected 'required' parameter value of the form:`;
  if (items.includes('') || forbidden.has('')) {
    const form = allow.forbidden ? 'HW_CPU_X86_VMX,!CUSTOM_MAGIC' : 'HW_CPU_X86_VMX,CUSTOM_MAGIC';
    throw new BadRequest(`${expected} ${form}. Got an empty trait in: ${text}`);
  }
  if (forbidden.size > 0 && !allow.forbidden) {
    throw new BadRequest(`${expected} HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: ${text}`);
  }
  const required = items.filter((item) => !item.startsWith('!')).map((item) => new Set([item]));
  return { required, forbidden };
}

function parseAnyTraits(text: string, allowed: boolean): Set<string> {
  const form = "The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC'";
  if (!allowed)
    throw new BadRequest(`${invalid} ${form} only supported since microversion 1.39. Got: ${text}`);
  const traits = new Set(
    text
      .slice(3)
      .split(',')
      .map((item) => item.trim()),
  );
  if (traits.has('')) {
    throw new BadRequest(
      `${invalid} Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. ` +
        `Got an empty trait in: ${text}`,
    );
  }
  if ([...traits].some((trait) => trait.startsWith('!'))) {
    throw new BadRequest(`${invalid} ${form} does not support forbidden traits. Got: ${text}`);
  }
  return traits;
}

/** One aggregate, `in:` several, and either with a `!` before it */
export function parseMemberOf(text: string): { required: Set<string>; forbidden: Set<string> } {
  const match = /^(!?)(in:)?(.*)$/s.exec(text);
  const [, not, several, list = ''] = match ?? [];
  if (list.includes(',') && !several) {
    throw new BadRequest(
      "Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid " +
        `microversion. Got: ${text}`,
    );
  }
  const aggregates = new Set(list.split(','));
  for (const aggregate of aggregates) {
    if (isUuidLike(aggregate)) continue;
    throw new BadRequest(
      `${invalid} Expected 'member_of' parameter to contain valid UUID(s). Got: ${aggregate}`,
    );
  }
  return not
    ? { required: new Set(), forbidden: aggregates }
    : { required: aggregates, forbidden: new Set() };
}

export function parseInTree(text: string): string {
  const uuid = text.trim();
  if (isUuidLike(uuid)) return uuid;
  throw new BadRequest(`${invalid} Expected 'in_tree' parameter to be a format of uuid. Got: ${text}`);
}

/** With its hyphens, as JSON schema's format has it: this is what the queries of lists are checked for. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** As oslo's `is_uuid_like`: hyphens and capitals do not matter. */
export function isUuidLike(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(
    text
      .replace(/^(urn:)?(uuid:)?\{?/, '')
      .replace(/\}$/, '')
      .replaceAll('-', ''),
  );
}
