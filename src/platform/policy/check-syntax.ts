import { parseTemplate, type Template } from './template.ts';

/** A parsed rule. `at` is an offset in the check string, from 0. */
export type Expression =
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'and' | 'or'; of: readonly Expression[] }
  | { kind: 'not'; of: Expression }
  | { kind: 'rule'; name: string; at: number }
  | { kind: 'role'; match: Template }
  /** A value that stands in the rule itself: `'admin':%(target.role.name)s`, `None:%(domain_id)s`. */
  | { kind: 'literal'; value: string; match: Template }
  /** A property of who asks: `user_id:%(user_id)s`, `token.project.domain.id:default`. */
  | { kind: 'credential'; path: string; match: Template; at: number }
  /** Networking's `field:networks:shared=True`; the value after `~` is a pattern. */
  | { kind: 'field'; resource: string; field: string; value: string | RegExp };

/** A rule that cannot be understood; the enforcer adds which rule it is. */
export class SyntaxProblem extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'SyntaxProblem';
    this.at = at;
  }
}

/**
 * Parses one check, such as `role:admin`.
 *
 * @param at the check's offset in its rule, for errors
 * @throws SyntaxProblem
 */
export function parseCheck(text: string, at: number): Expression {
  if (text === '@') return { kind: 'always' };
  if (text === '!') return { kind: 'never' };
  const colon = text.indexOf(':');
  if (colon <= 0)
    throw new SyntaxProblem(`has "${text}", which is no check: a check is "kind:match", "@" or "!"`, at);
  const kind = text.slice(0, colon);
  const match = text.slice(colon + 1);
  const matchAt = at + colon + 1;
  switch (kind) {
    case 'rule':
      if (match === '') throw new SyntaxProblem('has "rule:" without a name', matchAt);
      return { kind: 'rule', name: match, at: matchAt };
    case 'role':
      return { kind: 'role', match: template(match, matchAt) };
    case 'field':
      return parseField(match, matchAt);
    case 'http':
    case 'https':
      // A remote answer cannot be had within a synchronous decision, and one that is not there must not mean yes.
      throw new SyntaxProblem(
        `has "${text}": checks that ask another server (${kind}:) are not supported`,
        at,
      );
    default: {
      const literal = parseLiteral(kind);
      if (literal !== undefined) return { kind: 'literal', value: literal, match: template(match, matchAt) };
      if (!/^[A-Za-z_][\w-]*(\.[\w-]+)*$/.test(kind)) {
        throw new SyntaxProblem(
          `has "${kind}:", which is neither a property of the caller nor a literal`,
          at,
        );
      }
      return { kind: 'credential', path: kind, match: template(match, matchAt), at };
    }
  }
}

function template(match: string, at: number): Template {
  const parsed = parseTemplate(match);
  if (typeof parsed === 'number') {
    throw new SyntaxProblem(`has a "%" that is neither "%(name)s" nor "%%" in "${match}"`, at + parsed);
  }
  return parsed;
}

/** Python's literals, as the text that `str()` gives of them; undefined for anything else. */
function parseLiteral(kind: string): string | undefined {
  if (kind === 'True' || kind === 'False' || kind === 'None') return kind;
  if (/^(['"]).*\1$/.test(kind) && kind.length >= 2) return kind.slice(1, -1);
  if (/^-?(0|[1-9]\d*)$/.test(kind)) return kind;
  return undefined;
}

function parseField(match: string, at: number): Expression {
  const [, resource, field, value] = /^([^:]+):([^=]+)=(.*)$/.exec(match) ?? [];
  if (resource === undefined || field === undefined || value === undefined) {
    throw new SyntaxProblem(`has "field:${match}", which is not "field:resource:attribute=value"`, at);
  }
  if (!value.startsWith('~')) return { kind: 'field', resource, field, value };
  try {
    return { kind: 'field', resource, field, value: new RegExp(`^(?:${value.slice(1)})`, 'u') };
  } catch {
    throw new SyntaxProblem(`has the pattern "${value.slice(1)}", which is no regular expression`, at);
  }
}
