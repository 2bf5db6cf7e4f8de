import type { Credentials } from '../auth/credentials.ts';
import { Forbidden } from '../errors/errors.ts';
import { allNames, type DenialStyle, denials, firstName, type RuleNames } from './denial.ts';
import { type LinkedRules, linkRules, PolicyError, type RuleSource } from './link.ts';
import { joinNeeds, type LoadParent, withParents } from './needs.ts';
import type { PolicyDefaults, Rule, ScopeType } from './rule.ts';
import type { CheckSource } from './syntax.ts';
import type { Target } from './template.ts';

/** What `policy.yaml` says: check strings (or lists of lists) by rule name. */
export type PolicyOverrides = Readonly<Record<string, CheckSource>>;

export interface EnforcerOptions {
  defaults: PolicyDefaults;
  overrides?: PolicyOverrides;
  /** Where the overrides were read, for messages. Default `policy.yaml`. */
  overridesOrigin?: string;
  /** Whose sentence a refusal is. */
  denial: DenialStyle;
  /** Refuse tokens of a scope that a rule is not meant for. Default true, as in oslo.policy 4. */
  enforceScope?: boolean;
  /** The rule that decides what `is_admin` is, such as `context_is_admin`. Without it nobody is. */
  adminRule?: string;
  /** The rule that stands for every one that does not exist. Default `default`. */
  fallback?: string;
}

/**
 * Decides who may do what, by one service's rules.
 *
 * Decisions are synchronous and take well under a microsecond. Where rules ask about a parent resource
 * (`tenant_id:%(network:tenant_id)s`), the target is completed first by `complete`.
 */
export class Enforcer {
  readonly #defaults: PolicyDefaults;
  readonly #registered: ReadonlyMap<string, Rule>;
  readonly #denial: DenialStyle;
  readonly #enforceScope: boolean;
  readonly #adminRule: string | undefined;
  readonly #fallback: string;
  #linked: LinkedRules = { rules: new Map(), warnings: [] };
  /** Outcomes that depend on nothing but the caller. A changed rule forgets them all. */
  #passes = new WeakMap<Credentials, Map<string, boolean>>();

  /** @throws PolicyError naming every rule that cannot be understood, and where */
  constructor(options: EnforcerOptions) {
    const { defaults, overrides = {}, overridesOrigin, denial, enforceScope = true } = options;
    this.#defaults = defaults;
    this.#registered = new Map(defaults.rules.map((one) => [one.name, one]));
    this.#denial = denial;
    this.#enforceScope = enforceScope;
    this.#adminRule = options.adminRule;
    this.#fallback = options.fallback ?? 'default';
    if (this.#registered.size < defaults.rules.length) {
      const names = defaults.rules.map((one) => one.name);
      const twice = names.filter((name, i) => names.indexOf(name) < i);
      throw new PolicyError(twice.map((name) => `rule "${name}" (${defaults.service}) is defined twice`));
    }
    this.load(overrides, overridesOrigin);
  }

  /** What is suspicious in the rules but only ever denies; for the log. */
  get warnings(): readonly string[] {
    return this.#linked.warnings;
  }

  /**
   * Puts other overrides in place of the present ones, at once and as a whole.
   *
   * @throws PolicyError; then everything stays as it was
   */
  load(overrides: PolicyOverrides, origin = 'policy.yaml'): void {
    const sources = new Map<string, RuleSource>();
    for (const { name, check, formerName } of this.#defaults.rules) {
      const former = formerName !== undefined && Object.hasOwn(overrides, formerName);
      const override = former ? overrides[formerName] : undefined;
      sources.set(
        name,
        override === undefined ? { check, origin: this.#defaults.service } : { check: override, origin },
      );
    }
    for (const [name, check] of Object.entries(overrides)) sources.set(name, { check, origin });
    this.#linked = linkRules(sources, { fallback: this.#fallback, adminRule: this.#adminRule });
    this.#passes = new WeakMap();
  }

  /** @throws PolicyError naming those that are not defined: for the rules that code refers to, at startup */
  assertDefined(names: Iterable<string>): void {
    const missing = [...new Set(names)].filter((name) => !this.#registered.has(name));
    if (missing.length === 0) return;
    throw new PolicyError(
      missing.map((name) => `rule "${name}" (${this.#defaults.service}) is asked for but not defined`),
    );
  }

  /**
   * Whether the caller may. A rule that does not exist is the fallback rule; without that it denies.
   *
   * @param rules a name, or names that must all allow
   * @param target what is acted on: its `project_id`, `user_id` and whatever else the rule asks about
   */
  check(rules: RuleNames, credentials: Credentials, target: Target = {}): boolean {
    return this.#scopeFits(rules, credentials) && this.#all(rules, credentials, target);
  }

  /** @throws Forbidden, in the service's own words, where `check` says no */
  enforce(rules: RuleNames, credentials: Credentials, target: Target = {}): void {
    if (!this.check(rules, credentials, target)) throw new Forbidden(denials[this.#denial](rules));
  }

  /**
   * Which of the rules the caller passes whatever the target: for what is shown at all, such as attributes that only
   * administrators see. Remembered for each credentials object. A rule that depends on the target is asked with an
   * empty one.
   */
  passing(names: readonly string[], credentials: Credentials): ReadonlySet<string> {
    return new Set(names.filter((name) => this.passes(name, credentials)));
  }

  /** One name of `passing`. */
  passes(name: string, credentials: Credentials): boolean {
    let known = this.#passes.get(credentials);
    if (!known) {
      known = new Map();
      this.#passes.set(credentials, known);
    }
    let outcome = known.get(name);
    if (outcome === undefined) {
      outcome = this.check(name, credentials);
      known.set(name, outcome);
    }
    return outcome;
  }

  /** Whether the rule's outcome can differ between targets: if not, a list needs to ask only once. */
  dependsOnTarget(name: string): boolean {
    return this.#rule(name)?.needs.target ?? false;
  }

  /**
   * Adds to the target what these rules ask about its parents, loading only what is missing.
   *
   * @throws whatever `load` throws
   */
  complete(rules: RuleNames, target: Target, load: LoadParent): Promise<Target> | Target {
    const { parents } = joinNeeds(allNames(rules).flatMap((name) => this.#rule(name)?.needs ?? []));
    return parents.length === 0 ? target : withParents(target, parents, load);
  }

  #rule(name: string) {
    return this.#linked.rules.get(name) ?? this.#linked.rules.get(this.#fallback);
  }

  #all(rules: RuleNames, credentials: Credentials, target: Target): boolean {
    if (typeof rules === 'string') return this.#rule(rules)?.check(credentials, target) ?? false;
    return rules.every((one) => this.#all(one, credentials, target));
  }

  #scopeFits(rules: RuleNames, credentials: Credentials): boolean {
    const scopes = this.#registered.get(firstName(rules))?.scopes;
    if (!this.#enforceScope || scopes === undefined || scopes.length === 0) return true;
    return scopes.includes(scopeOf(credentials));
  }
}

function scopeOf(credentials: Credentials): ScopeType {
  if (credentials.system !== undefined) return 'system';
  return credentials.domainId !== undefined ? 'domain' : 'project';
}
