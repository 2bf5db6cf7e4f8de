import { knownOfImage } from './known-image.ts';
import { knownOfPlacement } from './known-placement.ts';

/** A difference that is meant to be, or cannot be helped. */
export interface Known {
  /** Why; said in the report. */
  why: string;
  /** Which cases, by their titles. */
  of: RegExp;
  /** Which of the changed lines (`-theirs`, `+ours`); all of the case's where it is not said. */
  lines?: RegExp;
}

/** Lines that follow from another status: of the headers and the body of an error. */
const otherError = String.raw`[-+](?:\d{3}|vary: .*|content-type: .*|www-authenticate: .*|\s*"(?:code|title)": .*)`;
const words = (theirs: string, ours: string): RegExp =>
  new RegExp(`^(?:${otherError}|-\\s*"message": "${theirs}.*|\\+\\s*"message": "${ours}.*)$`);

const identity: readonly Known[] = [
  {
    why: 'Where a body stands for more than a resource, a missing wrapper is missed; Keystone looks for what is in it',
    of: / · (?:no body|an empty object|without \w+)( · \d+)?$/,
    lines: words(
      '',
      String.raw`(?:.*'\w+' is a required property|None is not of type 'object'|\{\} does not have enough properties|Expecting to find \w+ in credential)`,
    ),
  },
  {
    why: 'The tail of a long value is cut off in messages, so that nobody can fill a log',
    of: / · a long name/,
    lines: /^[-+]\s*"message": "Invalid input for field 'name': 'x+/,
  },
  {
    why: 'Flask answers unknown paths with a page of HTML; here they are errors like all others',
    of: /no-such-path|OS-ENDPOINT-POLICY\/policy · admin|^GET \/v2\.0|^PUT \/v3\/users ·/,
  },
  {
    why: 'Tags are kept in the order of the alphabet',
    of: /projects/,
    lines: /^[-+]\s+"[ab]",?$/,
  },
  {
    why: 'Keystone shows what it stores apart, `extra`, in the answers to updates alone',
    of: /^PATCH \/v3\/(?:projects|users)\//,
    lines: /^-\s+("extra": \{.*|"(?:surprise|description|email)": .*|\},?)$/,
  },
  {
    why: 'Keystone leaves a step out of these links, which lead nowhere',
    of: /\/tags|OS-TRUST|application_credentials|protocols/,
    lines: /^[-+](?:\s+"(?:self|identity_provider)": "<identity>\/v3.*|(?:location|content-type): .*)$/,
  },
  {
    why: 'The twin that is refused is named by what it has in common with the first, not by an id that nobody gave',
    of: /^POST \/v3\/OS-TRUST\/trusts/,
    lines: /^[-+]\s*"message": "Conflict occurred attempting to store trust - Duplicate entry found with .*$/,
  },
  {
    why: 'An inherited role of a user or group that does not exist is refused; Keystone writes it down',
    of: /^(?:PUT|HEAD|GET|DELETE) \/v3\/OS-INHERIT\/.* · no such (?:user|group)/,
  },
  {
    why: 'Keystone dies of it',
    of: /^POST \/v3\/users\/\{member\} · admin$|relay_state_prefix null|^GET \/v3\/OS-FEDERATION\/saml2\/metadata|^POST \/v3\/OS-OAUTH1\/(?:request|access)_token · nobody$/,
  },
  {
    why: 'Debian’s Zed gives a project’s administrator all rules but this one; later releases give it too',
    of: /^(?:GET|HEAD) \/v3\/projects\/\{(?:aProject|child)\}(?:\?.*)? · (?:admin|no such aProject)$/,
  },
  {
    why: 'An administrator of a domain may list roles and see his domain in later releases',
    of: /^GET \/v3\/(?:roles|domains) · domainAdmin$/,
  },
  {
    why: 'A tag that a project has may be given to it again, as the reference has it',
    of: /^PUT \/v3\/projects\/\{aProject\}\/tags\/green · again$/,
  },
  {
    why: 'The role manager came later, and includes member',
    of: /^GET \/v3\/role_inferences/,
  },
  {
    why: 'Mappings have the version of their schema in later releases',
    of: /OS-FEDERATION\/mappings/,
    lines: /^(?:[-+]\s+\],?|\+\s+"schema_version": "1\.0")$/,
  },
  {
    why: 'Who may not is told why not: Zed keeps that for debugging',
    of: /saml2|auth\/catalog|\/auth · nobody$|websso|auth\/tokens · nobody/,
    lines:
      /^(?:-\s+"message": "(?:You are not authorized to perform the requested action|The request you have made requires authentication)\."|\+\s+"message": ".*"),$/,
  },
  {
    why: 'What is wrong with a token is the log’s business',
    of: /\/v3\/auth\/tokens/,
    lines: words('Could not recognize Fernet token', 'Failed to validate token'),
  },
  {
    why: 'Catalogs have an order here: by type, name and id',
    of: /\/v3\/auth\/(?:tokens|catalog)/,
    lines:
      /^[-+]\s+(?:"endpoints": \[\],|"id": "<id \d+>",|"name": "(?:\{tag\}-s.*)?",|"type": "\{tag\}-type"|\},?|\{)$/,
  },
  {
    why: 'The role manager came later, and an administrator has it',
    of: /^POST \/v3\/auth\/tokens · nobody · [67]$/,
    lines: /^\+\s+(?:"id": "<id \d+>",|"name": "manager"|\},|\{)$/,
  },
  {
    why: 'A token of a trust is shown as all others are, its roles by name and id',
    of: /^POST \/v3\/auth\/tokens · nobody · 37$/,
  },
  {
    why: 'There are methods here that Zed has not by default: totp',
    of: /^POST \/v3\/auth\/tokens · nobody · 28$/,
  },
  {
    why: 'Where nobody is let in, nothing is read: who shows no token is told that first',
    of: /^POST \/v3\/(?:ec2|s3)tokens · (?:not JSON|a list)$/,
  },
  {
    why: 'Zed asks for the wrong rule, by a slip',
    of: /^DELETE \/v3\/users\/\{member\}\/OS-OAUTH1\/access_tokens\/nothing/,
  },
  {
    why: 'What others have in the cloud is theirs, though it names the same roles',
    of: /^GET \/v3\/role_assignments · (?:systemReader|admin)$/,
  },
  {
    why: 'Zed leaves grants on the system out of effective assignments, and puts them among inherited ones',
    of: /^GET \/v3\/role_assignments\?.*(?:&effective|inherited_to=projects)/,
  },
  {
    why: 'The description of a service is a text, as in later releases; Zed keeps whatever comes',
    of: /^(?:(?:POST|PATCH) \/v3\/services.* · (?:description of another kind|without description)|GET \/v3\/services · .*)$/,
  },
  {
    why: 'A role cannot be of a domain that is a number; Zed makes it, of no domain that there is',
    of: /^POST \/v3\/roles · domain_id of another kind$/,
  },
  {
    why: 'Which of what a grant names is missing is said',
    of: /^DELETE \/v3\/OS-INHERIT\/.* · no such (?:domain|project)$/,
  },
  {
    why: 'An attribute that there is not is refused in the words of the schema, not in those of the database’s classes',
    of: / · an unknown attribute$/,
    lines:
      /^(?:-\s+"message": "'surprise' is an invalid keyword argument for .*|\+\s+"message": "Additional properties are not allowed .*)$/,
  },
  {
    why: 'A link that Keystone gives without the host it leads to, or to an endpoint with a policy’s id',
    of: /OS-EP-FILTER\/endpoint_groups|OS-ENDPOINT-POLICY\/policy/,
    lines: /^[-+]\s+"self": ".*"$/,
  },
  {
    why: 'An update without the wrapper is a mistake; Zed takes it for one of nothing',
    of: /^PATCH \/v3\/(?:registered_)?limits\/.* · (?:no body|an empty object)$/,
  },
  {
    why: 'A consumer without a body is none',
    of: /^POST \/v3\/OS-OAUTH1\/consumers · no body$/,
  },
  {
    why: 'What is unsafe to sign with, PLAINTEXT, is refused before what else is wrong; and secrets are not repeated in messages',
    of: /OS-OAUTH1\/request_token · nobody · 2$|OS-OAUTH1\/consumers\/\{consumer\} · admin · 2$/,
  },
  {
    why: 'System readers, and users without a role for it, list key pairs in later releases',
    of: /^GET \/v3\/users\/\{member\}\/credentials\/OS-EC2 · (?:systemReader|member)$/,
  },
  {
    why: 'An id is a text; Zed looks for a project called None',
    of: /^POST \/v3\/users\/\{member\}\/credentials\/OS-EC2 · tenant_id (?:of another kind|null)$/,
  },
  {
    why: 'Whether an application credential is unrestricted is yes or no; Zed has null where nothing was said',
    of: /application_credentials/,
    lines: /^[-+]\s+"unrestricted": (?:null|false),?$/,
  },
  {
    why: 'A secret is not repeated in what is said of a credential that is none',
    of: /^POST \/v3\/credentials · the wrapper alone$|^PATCH \/v3\/credentials\/\{credential\} · admin$/,
    lines: words('', "'blob' is a required property"),
  },
  {
    why: 'Where in a mapping something is wrong is said; Zed repeats the schema',
    of: /OS-FEDERATION\/mappings/,
    lines: words(
      '.*(?:is a required property|is not of type|is too short|given schemas)',
      '(?:mapping|rules)[^ ]*: ',
    ),
  },
];

export const known: Readonly<Record<string, readonly Known[]>> = {
  identity,
  image: knownOfImage,
  placement: knownOfPlacement,
};
