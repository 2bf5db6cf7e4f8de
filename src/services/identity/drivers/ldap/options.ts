import { nearest } from '../../../../platform/config/nearest.ts';
import type { Values } from '../../../../platform/config/schema.ts';
import { sectionOf } from '../../../../platform/config/section.ts';
import { boolean, choice, integer, list, number, text } from '../../../../platform/config/setting.ts';

const seconds = { min: -1, max: 86_400 };
const attribute = (description: string, preset: string) => text({ description, default: preset });
const allowed = (description: string) => boolean({ description, default: false });

/** How to reach the server. Names and defaults are those of keystone's `[ldap]`; an empty text is what is unset there. */
const connection = {
  url: text({
    description: 'Servers, separated by commas or spaces; the first that answers is used.',
    default: 'ldap://localhost',
  }),
  randomize_urls: boolean({
    description: 'Whether each process tries the servers in an order of its own.',
    default: false,
  }),
  user: attribute('The DN that searches and writes are done as; anonymous without it.', ''),
  password: text({ description: 'The password of `user`.', default: '', secret: true }),
  suffix: attribute('Stands below the trees that are not named themselves.', 'cn=example,cn=com'),
  query_scope: choice(['one', 'sub'], {
    description: 'Whether entries are looked for right below a tree, or anywhere in it.',
    default: 'one',
  }),
  page_size: integer({
    description: 'Entries that are asked for at a time; 0 asks for all of them at once.',
    default: 0,
    min: 0,
    max: 1_000_000,
  }),
  alias_dereferencing: choice(['never', 'searching', 'always', 'finding', 'default'], {
    description: 'When aliases are followed; `default` is never, as OpenLDAP has it.',
    default: 'default',
  }),
  debug_level: integer({
    description: 'Taken and not used: there is no C library to debug.',
    default: 0,
    min: -1,
    max: 65_535,
  }),
  chase_referrals: boolean({
    description: 'Taken and not followed: referrals to other servers are left out of what is found.',
    default: false,
  }),
  connection_timeout: integer({
    description:
      'Seconds until a server that does not answer is given up, without a pool; -1 is 10 to connect, 60 to answer.',
    default: -1,
    ...seconds,
  }),
};

const users = {
  user_tree_dn: attribute('Where the users are; without it, `ou=Users` in `suffix`.', ''),
  user_filter: attribute('What users must match, as RFC 4515 writes it.', ''),
  user_objectclass: attribute('The class of a user.', 'inetOrgPerson'),
  user_id_attribute: attribute('Holds the id within the domain; has one value.', 'cn'),
  user_name_attribute: attribute('Holds the name.', 'sn'),
  user_description_attribute: attribute('Holds the description.', 'description'),
  user_mail_attribute: attribute('Holds the email.', 'mail'),
  user_pass_attribute: attribute('Holds the password; it is written only.', 'userPassword'),
  user_enabled_attribute: attribute('Says whether the user is enabled.', 'enabled'),
  user_enabled_invert: boolean({
    description: 'Whether the attribute says that a user is locked.',
    default: false,
  }),
  user_enabled_mask: integer({
    description: 'The bit of the attribute that says that a user is disabled: 2 for userAccountControl.',
    default: 0,
    min: 0,
    max: 2 ** 31 - 1,
  }),
  user_enabled_default: attribute('Stands for the attribute where it is absent: True, or a number.', 'True'),
  user_attribute_ignore: list({
    description: 'Attributes that are neither read nor written.',
    default: ['default_project_id'],
  }),
  user_default_project_id_attribute: attribute('Holds the default project.', ''),
  user_enabled_emulation: boolean({
    description: 'Whether users are enabled by being in a group instead.',
    default: false,
  }),
  user_enabled_emulation_dn: attribute(
    'That group; without it, `cn=enabled_users` in the tree of users.',
    '',
  ),
  user_enabled_emulation_use_group_config: boolean({
    description: 'Whether that group is of the class of the other groups.',
    default: false,
  }),
  user_additional_attribute_mapping: list({
    description: 'More attributes of users, each as `attribute in LDAP:name in the API`.',
    default: [],
  }),
  user_allow_create: allowed('Whether users may be made here.'),
  user_allow_update: allowed('Whether users and their passwords may be changed here.'),
  user_allow_delete: allowed('Whether users may be deleted here.'),
};

const groups = {
  group_tree_dn: attribute('Where the groups are; without it, `ou=UserGroups` in `suffix`.', ''),
  group_filter: attribute('What groups must match, as RFC 4515 writes it.', ''),
  group_objectclass: attribute('The class of a group.', 'groupOfNames'),
  group_id_attribute: attribute('Holds the id within the domain; has one value.', 'cn'),
  group_name_attribute: attribute('Holds the name.', 'ou'),
  group_member_attribute: attribute('Holds the members.', 'member'),
  group_members_are_ids: boolean({
    description: 'Whether members are ids of users instead of DNs: posixGroup.',
    default: false,
  }),
  use_dumb_member: boolean({
    description: 'Whether new groups get a member that nobody is, where their class wants at least one.',
    default: false,
  }),
  dumb_member: attribute('The DN of that member.', 'cn=dumb,dc=nonexistent'),
  group_desc_attribute: attribute('Holds the description.', 'description'),
  group_attribute_ignore: list({ description: 'Attributes that are neither read nor written.', default: [] }),
  group_additional_attribute_mapping: list({
    description: 'More attributes of groups, each as `attribute in LDAP:name in the API`.',
    default: [],
  }),
  group_ad_nesting: boolean({
    description: "Whether members of a group's groups count, by Active Directory's matching rule.",
    default: false,
  }),
  group_allow_create: allowed('Whether groups may be made here.'),
  group_allow_update: allowed('Whether groups and who is in them may be changed here.'),
  group_allow_delete: allowed('Whether groups may be deleted here.'),
};

const encryption = {
  tls_cacertfile: attribute('The certificates of those who may vouch for the server, in a PEM file.', ''),
  tls_cacertdir: attribute('The same, as a folder of PEM files.', ''),
  use_tls: boolean({ description: 'Whether StartTLS is asked for on ldap:// URLs.', default: false }),
  tls_req_cert: choice(['demand', 'never', 'allow'], {
    description: 'Whether the certificate of the server must be good; `never` and `allow` take any.',
    default: 'demand',
  }),
};

const pools = {
  use_pool: boolean({ description: 'Whether connections are kept for the next use.', default: true }),
  pool_size: integer({ description: 'Connections at most.', default: 10, min: 1, max: 10_000 }),
  pool_retry_max: integer({
    description: 'How often all servers are tried before giving up.',
    default: 3,
    min: 1,
    max: 100,
  }),
  pool_retry_delay: number({ description: 'Seconds between the tries.', default: 0.1, min: 0, max: 60 }),
  pool_connection_timeout: integer({
    description:
      'Seconds until a server that does not answer is given up; -1 is 10 to connect, 60 to answer.',
    default: -1,
    ...seconds,
  }),
  pool_connection_lifetime: integer({
    description: 'Seconds that a connection is kept.',
    default: 600,
    min: 1,
    max: 86_400,
  }),
  use_auth_pool: boolean({
    description: 'Whether connections that passwords are checked on are kept.',
    default: true,
  }),
  auth_pool_size: integer({
    description: 'Passwords that are checked at a time.',
    default: 100,
    min: 1,
    max: 10_000,
  }),
  auth_pool_connection_lifetime: integer({
    description: 'Seconds that such a connection is kept.',
    default: 60,
    min: 1,
    max: 86_400,
  }),
};

/** The section `ldap` of a domain's configuration. */
export const ldapOptions = { ...connection, ...users, ...groups, ...encryption, ...pools } as const;

export type LdapOptions = Values<typeof ldapOptions>;

/**
 * Options as they were configured; what is absent or null has its default.
 * @throws TypeError that names the option and repeats no value
 */
export function ldapOptionsOf(given: Readonly<Record<string, unknown>>): LdapOptions {
  const known = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  for (const [name] of known) {
    if (Object.hasOwn(ldapOptions, name)) continue;
    const meant = nearest(name, Object.keys(ldapOptions));
    throw new TypeError(`there is no option ldap.${name}${meant ? `; did you mean ${meant}?` : ''}`);
  }
  try {
    return sectionOf(ldapOptions, Object.fromEntries(known.map(([name, value]) => [name, plain(value)])));
  } catch (error) {
    throw new TypeError(`ldap.${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Numbers and truth where a text is wanted (`user_enabled_default: 512`), and truth as Python writes it. */
function plain(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && /^(true|false)$/i.test(value) ? value.toLowerCase() : value;
}
