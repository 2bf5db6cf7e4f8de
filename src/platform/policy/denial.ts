/** One rule, or several that must all allow; nested as networking nests a resource's attributes. */
export type RuleNames = string | readonly RuleNames[];

/** How a service words its refusals: clients and tests match on upstream's sentences. */
export type DenialStyle = keyof typeof denials;

/** The sentence of a 403, for each way that upstream's services have of saying it. */
export const denials = {
  compute: (rules: RuleNames) => `Policy doesn't allow ${firstName(rules)} to be performed.`,
  identity: (rules: RuleNames) =>
    `You are not authorized to perform the requested action: ${firstName(rules)}.`,
  image: (rules: RuleNames) => `You are not authorized to complete ${firstName(rules)} action.`,
  placement: (rules: RuleNames) => `Policy does not allow ${firstName(rules)} to be performed.`,
  network: (rules: RuleNames) => `${asExpression(rules)} is disallowed by policy`,
} as const;

/** The rule that the others only add to. */
export function firstName(rules: RuleNames): string {
  if (typeof rules === 'string') return rules;
  const [first] = rules;
  return first === undefined ? '' : firstName(first);
}

/** Every name, left to right. */
export function allNames(rules: RuleNames): readonly string[] {
  return typeof rules === 'string' ? [rules] : rules.flatMap(allNames);
}

/** `(rule:create_network and rule:create_network:shared)`: how oslo.policy prints a tree of checks. */
function asExpression(rules: RuleNames): string {
  return typeof rules === 'string' ? `rule:${rules}` : `(${rules.map(asExpression).join(' and ')})`;
}
