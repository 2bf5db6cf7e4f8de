import { type Expression, parseCheck, SyntaxProblem } from './check-syntax.ts';

/** What a rule may be written as: the policy language, or its older form, a list (or) of lists (and) of checks. */
export type CheckSource = string | readonly (string | readonly string[])[];

interface Token {
  kind: '(' | ')' | 'and' | 'or' | 'not' | 'check';
  text: string;
  /** Offset in the check string, from 0. */
  at: number;
}

/** Nobody writes this deep by hand; the limit keeps a generated file from exhausting the stack. */
const deepest = 100;

/**
 * Parses one rule into its expression. The grammar is oslo.policy's (`oslo_policy/_parser.py`): `not` binds
 * closer than `and`, `and` closer than `or`, an empty rule allows everybody.
 *
 * @throws SyntaxProblem with the position, where oslo.policy logs and lets the rule deny everybody: a cloud that
 *   does not start is found sooner than a rule that never matches
 */
export function parseRule(source: CheckSource): Expression {
  return typeof source === 'string' ? parseText(source) : parseLists(source);
}

/** Whitespace separates; parentheses count only around a word, because `%(name)s` has its own inside. */
function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  for (const match of source.matchAll(/\S+/g)) {
    let at = match.index;
    let word = match[0];
    for (; word.startsWith('('); word = word.slice(1)) tokens.push({ kind: '(', text: '(', at: at++ });
    const clean = word.replace(/\)+$/, '');
    if (clean !== '') {
      const lowered = clean.toLowerCase();
      const operator = lowered === 'and' || lowered === 'or' || lowered === 'not';
      tokens.push({ kind: operator ? lowered : 'check', text: clean, at });
    }
    for (let i = clean.length; i < word.length; i++) tokens.push({ kind: ')', text: ')', at: at + i });
  }
  return tokens;
}

function parseText(source: string): Expression {
  if (source === '') return { kind: 'always' };
  const tokens = tokenize(source);
  let next = 0;
  let depth = 0;

  const isNext = (kind: Token['kind']) => tokens[next]?.kind === kind;

  function either(): Expression {
    const of = [both()];
    while (isNext('or')) {
      next++;
      of.push(both());
    }
    return of.length === 1 && of[0] ? of[0] : { kind: 'or', of };
  }

  function both(): Expression {
    const of = [single()];
    while (isNext('and')) {
      next++;
      of.push(single());
    }
    return of.length === 1 && of[0] ? of[0] : { kind: 'and', of };
  }

  function single(): Expression {
    const token = tokens[next++];
    if (!token) throw new SyntaxProblem('ends where a check is expected', source.length);
    if (++depth > deepest) throw new SyntaxProblem(`is nested deeper than ${deepest}`, token.at);
    try {
      if (token.kind === 'check') return parseCheck(token.text, token.at);
      if (token.kind === 'not') return { kind: 'not', of: single() };
      if (token.kind !== '(')
        throw new SyntaxProblem(`has "${token.text}" where a check is expected`, token.at);
      const inner = either();
      const end = tokens[next++];
      if (!end) throw new SyntaxProblem('has a "(" that is never closed', token.at);
      if (end.kind !== ')')
        throw new SyntaxProblem(`has "${end.text}" where "and", "or" or ")" is expected`, end.at);
      return inner;
    } finally {
      depth--;
    }
  }

  const parsed = either();
  const rest = tokens[next];
  if (rest) {
    const expected =
      rest.kind === ')'
        ? 'has a ")" that nothing opened'
        : `has "${rest.text}" where "and" or "or" is expected`;
    throw new SyntaxProblem(expected, rest.at);
  }
  return parsed;
}

function parseLists(source: readonly (string | readonly string[])[]): Expression {
  if (source.length === 0) return { kind: 'always' };
  const of: Expression[] = [];
  for (const inner of source) {
    const checks = typeof inner === 'string' ? [inner] : inner;
    // An empty inner list is passed over, and a list of nothing else denies: upstream's reading.
    if (checks.length === 0) continue;
    of.push({ kind: 'and', of: checks.map(parseListed) });
  }
  return { kind: 'or', of };
}

function parseListed(check: string): Expression {
  if (/\s/.test(check)) {
    throw new SyntaxProblem(
      `has "${check}" in a list, where each item is a single check`,
      check.search(/\s/),
    );
  }
  return parseCheck(check, 0);
}
