import { type Expression, SyntaxProblem } from './check-syntax.ts';
import { type Check, compile, never } from './compile.ts';
import { credentialReader } from './credential-values.ts';
import { joinNeeds, type Needs, needsOf } from './needs.ts';
import { type CheckSource, parseRule } from './syntax.ts';

/** Rules that cannot be used: each problem names its rule, and where in it. */
export class PolicyError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'PolicyError';
    this.problems = problems;
  }
}

/** One rule, ready to be asked. */
export interface LinkedRule {
  check: Check;
  needs: Needs;
}

export interface LinkedRules {
  rules: ReadonlyMap<string, LinkedRule>;
  /** What is suspicious but only ever denies: references to rules, or properties of the caller, that do not exist. */
  warnings: readonly string[];
}

/** A rule's text and where it was read, for messages. */
export interface RuleSource {
  check: CheckSource;
  origin: string;
}

/**
 * Parses all rules, and ties `rule:name` to the rule of that name, or to the fallback where there is none.
 *
 * @param fallback name of the rule that stands for every missing one, when it exists itself
 * @param adminRule name of the rule that decides `is_admin`; without it nobody is
 * @throws PolicyError with all syntax errors and cycles
 */
export function linkRules(
  sources: ReadonlyMap<string, RuleSource>,
  { fallback, adminRule }: { fallback: string; adminRule: string | undefined },
): LinkedRules {
  const problems: string[] = [];
  const warnings: string[] = [];
  const expressions = new Map<string, Expression>();
  for (const [name, { check, origin }] of sources) {
    try {
      const expression = parseRule(check);
      expressions.set(name, expression);
      warnings.push(...warningsOf(expression, sources, `rule "${name}" (${origin})`));
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      const text = typeof check === 'string' ? check : JSON.stringify(check);
      problems.push(`rule "${name}" (${origin}) ${error.message} (character ${error.at + 1} of: ${text})`);
    }
  }
  problems.push(...cycles(expressions, sources, fallback));
  if (problems.length > 0) throw new PolicyError(problems);

  // Within the rule that says who is admin nobody is yet: its own `is_admin` is false, as upstream.
  const isAdmin =
    adminRule === undefined ? never : (link(expressions, fallback, never).get(adminRule)?.check ?? never);
  return { rules: link(expressions, fallback, isAdmin), warnings };
}

function link(
  expressions: ReadonlyMap<string, Expression>,
  fallback: string,
  isAdmin: Check,
): Map<string, LinkedRule> {
  const linked = new Map<string, LinkedRule>();
  const resolve = (name: string): LinkedRule => {
    const known = linked.get(name);
    if (known) return known;
    const expression = expressions.get(name);
    if (!expression) {
      return name === fallback ? { check: never, needs: joinNeeds([]) } : resolve(fallback);
    }
    const rule = {
      check: compile(expression, { rule: (other) => resolve(other).check, isAdmin }),
      needs: needsOf(expression, (other) => resolve(other).needs),
    };
    linked.set(name, rule);
    return rule;
  };
  for (const name of expressions.keys()) resolve(name);
  return linked;
}

function cycles(
  expressions: ReadonlyMap<string, Expression>,
  sources: ReadonlyMap<string, RuleSource>,
  fallback: string,
): string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    const expression = expressions.get(name);
    if (!expression && name !== fallback) {
      visit(fallback, path);
      return;
    }
    if (!expression || finished.has(name)) return;
    const from = path.indexOf(name);
    if (from >= 0) {
      const round = [...path.slice(from), name].join(' -> ');
      found.push(`rule "${name}" (${sources.get(name)?.origin}) refers to itself: ${round}`);
      return;
    }
    for (const other of references(expression)) visit(other.name, [...path, name]);
    finished.add(name);
  };
  for (const name of expressions.keys()) visit(name, []);
  return found;
}

function references(expression: Expression): { name: string; at: number }[] {
  switch (expression.kind) {
    case 'rule':
      return [expression];
    case 'not':
      return references(expression.of);
    case 'and':
    case 'or':
      return expression.of.flatMap(references);
    default:
      return [];
  }
}

function warningsOf(
  expression: Expression,
  sources: ReadonlyMap<string, RuleSource>,
  where: string,
): string[] {
  switch (expression.kind) {
    case 'not':
      return warningsOf(expression.of, sources, where);
    case 'and':
    case 'or':
      return expression.of.flatMap((part) => warningsOf(part, sources, where));
    case 'rule':
      return sources.has(expression.name)
        ? []
        : [`${where} refers to "${expression.name}", which does not exist (character ${expression.at + 1})`];
    case 'credential':
      return expression.path === 'is_admin' || credentialReader(expression.path)
        ? []
        : [`${where} asks for "${expression.path}", which no caller has (character ${expression.at + 1})`];
    default:
      return [];
  }
}
