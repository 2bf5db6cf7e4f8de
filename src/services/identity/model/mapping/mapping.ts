/** A domain as a mapping or an assertion names it. */
export interface DomainReference {
  id?: string;
  name?: string;
}

export interface GroupByName {
  name: string;
  domain: DomainReference;
}

export interface MappedProject {
  name: string;
  domain?: DomainReference;
  roles: readonly { name: string }[];
}

/** One condition on one attribute of an assertion; at most one of the four lists stands in it. */
export interface RemoteRequirement {
  type: string;
  any_one_of?: readonly unknown[];
  not_any_of?: readonly unknown[];
  whitelist?: readonly unknown[];
  blacklist?: readonly unknown[];
  regex?: boolean;
}

/** What a rule makes of an assertion. Texts may hold `{0}`, `{1}` … for what the rule's requirements let through. */
export interface LocalRule {
  user?: { id?: string; name?: string; email?: string; domain?: DomainReference; type?: UserType };
  group?: { id: string } | GroupByName;
  groups?: string;
  group_ids?: string;
  domain?: DomainReference;
  projects?: readonly MappedProject[];
  projects_json?: string;
}

export interface MappingRule {
  local: readonly LocalRule[];
  remote: readonly RemoteRequirement[];
}

/** Rules by which assertions of an identity provider become users, groups and projects (Keystone's "mapping"). */
export interface Mapping {
  rules: readonly MappingRule[];
  schemaVersion: SchemaVersion;
}

/** `2.0` honours `domain` for users and projects; `3.0` takes projects as JSON, and roles follow the provider. */
export type SchemaVersion = '1.0' | '2.0' | '3.0';
export const schemaVersions: readonly SchemaVersion[] = ['1.0', '2.0', '3.0'];

/** An ephemeral user exists by his assertion; a local one must be there already. */
export type UserType = 'ephemeral' | 'local';

/** What an identity provider says of somebody. A text stands for several values where it has semicolons in it. */
export type Assertion = Readonly<Record<string, string | readonly string[]>>;

/** Whom an assertion means, in a cloud's terms. */
export interface MappedIdentity {
  user: { id?: string; name?: string; email?: string; domain?: DomainReference; type: UserType };
  groupIds: readonly string[];
  groups: readonly GroupByName[];
  projects: readonly MappedProject[];
}

/** The assertion gives nobody by this mapping: a failed authentication, not a fault. */
export class AssertionRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionRefused';
  }
}

/** The mapping itself cannot work, whatever the assertion: the operator's to mend. */
export class BrokenMapping extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokenMapping';
  }
}
