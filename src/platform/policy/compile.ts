import type { Credentials } from '../auth/credentials.ts';
import type { Expression } from './check-syntax.ts';
import { credentialReader } from './credential-values.ts';
import { compileLookup, compileTemplate, pythonText, type Target } from './template.ts';

/** A rule, ready to be asked. Never throws. */
export type Check = (credentials: Credentials, target: Target) => boolean;

/** What an expression cannot know by itself. */
export interface CompileScope {
  /** The check behind `rule:name`. */
  rule(name: string): Check;
  /** What `is_admin` is. */
  isAdmin: Check;
}

export const always: Check = () => true;
export const never: Check = () => false;

/** Turns a parsed rule into closures: all that can be decided beforehand is decided here, once. */
export function compile(expression: Expression, scope: CompileScope): Check {
  switch (expression.kind) {
    case 'always':
      return always;
    case 'never':
      return never;
    case 'not': {
      const inner = compile(expression.of, scope);
      return (credentials, target) => !inner(credentials, target);
    }
    case 'and':
      return expression.of.map((part) => compile(part, scope)).reduceRight(conjunction, always);
    case 'or':
      return expression.of.map((part) => compile(part, scope)).reduceRight(disjunction, never);
    case 'rule':
      return scope.rule(expression.name);
    case 'role':
      return compileRole(expression);
    case 'literal': {
      const fill = compileTemplate(expression.match, 'None');
      const { value } = expression;
      return (_, target) => fill(target) === value;
    }
    case 'credential':
      return compileCredential(expression, scope);
    case 'field':
      return compileField(expression);
  }
}

function conjunction(rest: Check, first: Check): Check {
  if (rest === always) return first;
  return (credentials, target) => first(credentials, target) && rest(credentials, target);
}

function disjunction(rest: Check, first: Check): Check {
  if (rest === never) return first;
  return (credentials, target) => first(credentials, target) || rest(credentials, target);
}

function compileRole({ match }: Extract<Expression, { kind: 'role' }>): Check {
  const fill = compileTemplate(match, 'None');
  if (match.keys.length > 0) {
    return (credentials, target) => {
      const wanted = fill(target)?.toLowerCase();
      return wanted !== undefined && hasRole(credentials.roles, wanted);
    };
  }
  const wanted = (fill({}) ?? '').toLowerCase();
  return (credentials) => hasRole(credentials.roles, wanted);
}

function hasRole(roles: readonly string[], lowered: string): boolean {
  for (const role of roles) {
    if (role === lowered || (role.length === lowered.length && role.toLowerCase() === lowered)) return true;
  }
  return false;
}

/**
 * A property of the caller that is absent equals no attribute of a target, not even an absent one. Upstream compares
 * `str(None)` on both sides, so that somebody without a project owns whatever has no owner; only where the rule
 * itself says `None` is absence what is asked for.
 */
function compileCredential(
  { path, match }: Extract<Expression, { kind: 'credential' }>,
  scope: CompileScope,
): Check {
  const fill = compileTemplate(match, 'absent');
  if (path === 'is_admin') {
    const { isAdmin } = scope;
    return (credentials, target) => fill(target) === (isAdmin(credentials, {}) ? 'True' : 'False');
  }
  const read = credentialReader(path);
  if (!read) return never;
  const absent = match.keys.length === 0 ? 'None' : undefined;
  return (credentials, target) => {
    const value = read(credentials);
    const wanted = fill(target);
    if (wanted === undefined) return false;
    if (typeof value === 'object') return value.includes(wanted);
    return (value === undefined ? absent : pythonText(value)) === wanted;
  };
}

/** `shared` of a port's or subnet's network stands in the target as `network:shared` (see `needs.ts`). */
function compileField({ resource, field, value }: Extract<Expression, { kind: 'field' }>): Check {
  const own = compileLookup(field);
  const ofNetwork =
    resource === 'networks' && field === 'shared' ? compileLookup('network:shared') : undefined;
  const matches = typeof value === 'string' ? sameField(value) : (text: unknown) => value.test(String(text));
  return (_, target) => {
    const actual = own(target) ?? ofNetwork?.(target);
    return actual !== undefined && actual !== null && matches(actual);
  };
}

/** Networking converts the rule's text by the attribute's type; the value's own type tells it as well. */
function sameField(wanted: string): (actual: unknown) => boolean {
  const truth = /^(true|1)$/i.test(wanted) ? true : /^(false|0)$/i.test(wanted) ? false : undefined;
  return (actual) => (typeof actual === 'boolean' ? actual === truth : pythonText(actual) === wanted);
}
