import { projectsProblem } from './check.ts';
import {
  type Assertion,
  AssertionRefused,
  BrokenMapping,
  type DomainReference,
  type GroupByName,
  type LocalRule,
  type MappedIdentity,
  type MappedProject,
  type Mapping,
} from './mapping.ts';
import { Matcher } from './pattern.ts';
import { directMaps, type Values } from './requirements.ts';
import { type DirectMaps, fillIn, listIn } from './template.ts';

/** What an assertion may have at most. */
const limits = { attributes: 1000, values: 10_000, characters: 100_000 };

/** A local rule whose places are filled in. */
interface FilledIn extends Omit<LocalRule, 'groups' | 'group_ids' | 'projects_json'> {
  groups?: readonly string[];
  group_ids?: readonly string[];
  projects_json?: readonly MappedProject[];
}

/**
 * Says whom an assertion means: every rule whose requirements all hold adds what it makes of it. The first user
 * wins, groups add up, and the last projects count.
 *
 * Upstream: keystone/federation/utils.py, `RuleProcessor` and what follows from it.
 *
 * @throws AssertionRefused where no rule gives somebody
 * @throws BrokenMapping where a rule asks for what cannot be there
 */
export function mapAssertion(mapping: Mapping, assertion: Assertion): MappedIdentity {
  const values = valuesOf(assertion);
  const matcher = new Matcher();
  const found: FilledIn[] = [];
  for (const rule of mapping.rules) {
    const maps = directMaps(rule.remote, values, matcher);
    if (maps) found.push(...rule.local.map((local) => filledIn(local, maps)));
  }
  if (found.length === 0) {
    throw new AssertionRefused('Could not map any federated user properties to identity values.');
  }
  return collected(found, mapping);
}

/** Attribute values as lists. */
function valuesOf(assertion: Assertion): Values {
  const entries = Object.entries(assertion);
  const values = new Map<string, readonly string[]>();
  let count = 0;
  for (const [name, value] of entries) {
    const list = typeof value === 'string' ? value.split(';') : value;
    count += list.length;
    if (list.some((each) => each.length > limits.characters)) throw tooMuch();
    values.set(name, list);
  }
  if (entries.length > limits.attributes || count > limits.values) throw tooMuch();
  return values;
}

const tooMuch = (): AssertionRefused =>
  new AssertionRefused('The assertion says more than can be looked at.');

function filledIn(local: LocalRule, maps: DirectMaps): FilledIn {
  const { groups, group_ids, projects_json, ...rest } = local;
  return {
    ...fillInAll(rest, maps),
    ...(groups === undefined ? {} : { groups: listIn(groups, maps) }),
    ...(group_ids === undefined ? {} : { group_ids: listIn(group_ids, maps) }),
    ...(projects_json === undefined ? {} : { projects_json: projectsIn(projects_json, maps) }),
  };
}

function fillInAll<T>(value: T, maps: DirectMaps): T {
  if (typeof value === 'string') return fillIn(value, maps) as T;
  if (Array.isArray(value)) return value.map((each) => fillInAll(each, maps)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fillInAll(each, maps)])) as T;
}

/** Projects that the provider itself says, as JSON in one of its attributes. */
function projectsIn(text: string, maps: DirectMaps): readonly MappedProject[] {
  const index = /^\{?(\d+)\}?/.exec(text)?.[1];
  const values = index === undefined ? undefined : maps[Number(index)];
  if (!values) throw new BrokenMapping(`projects_json '${text.slice(0, 200)}' names no remote match.`);
  const projects = parsed(values.length === 1 ? (values[0] as string) : `[${values.join(',')}]`);
  const problem = projectsProblem(projects);
  if (problem) throw new AssertionRefused(`The projects of the assertion are malformed: ${problem}`);
  return projects as MappedProject[];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new AssertionRefused('The assertion has malformed JSON.');
  }
}

function collected(found: readonly FilledIn[], { schemaVersion }: Mapping): MappedIdentity {
  const domain = schemaVersion === '1.0' ? undefined : found.find((each) => each.domain)?.domain;
  const user = found.find((each) => each.user)?.user ?? {};
  const groupIds = new Set<string>();
  const groups = new Map<string, GroupByName>();
  let projects: readonly MappedProject[] = [];
  const add = (group: GroupByName) => groups.set(JSON.stringify([group.domain, group.name]), group);
  for (const each of found) {
    if (each.group) {
      if ('id' in each.group) groupIds.add(each.group.id);
      else add(each.group);
    }
    for (const name of each.groups ?? []) add(groupNamed(name, each.domain));
    for (const id of each.group_ids ?? []) groupIds.add(id);
    if (each.projects || each.projects_json) {
      projects = [...(each.projects ?? []), ...(each.projects_json ?? [])].map((project) => {
        const lies = project.domain ?? (schemaVersion === '1.0' ? undefined : (each.domain ?? domain));
        return { ...project, ...(lies ? { domain: lies } : {}) };
      });
    }
  }
  const lies = user.domain ?? domain;
  return {
    user: { ...user, type: user.type ?? 'ephemeral', ...(lies ? { domain: lies } : {}) },
    groupIds: [...groupIds],
    groups: [...groups.values()],
    projects,
  };
}

/** A group by its name in the rule's domain, or as another cloud says it of itself: `JSON:{"name": …, "domain": …}`. */
function groupNamed(text: string, domain: DomainReference | undefined): GroupByName {
  if (!text.startsWith('JSON:')) {
    if (domain) return { name: text, domain };
    throw new AssertionRefused("Invalid rule. Both 'groups' and 'domain' keywords must be specified.");
  }
  const group = parsed(text.slice('JSON:'.length)) as Partial<GroupByName> | null;
  const { id, name } = group?.domain ?? {};
  const word = id ?? name;
  if (typeof group?.name !== 'string' || typeof word !== 'string') {
    throw new AssertionRefused("Invalid rule. Both 'groups' and 'domain' keywords must be specified.");
  }
  return { name: group.name, domain: id === undefined ? { name: word } : { id: word } };
}
