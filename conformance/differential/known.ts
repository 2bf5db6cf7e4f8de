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
    lines: words('', String.raw`(?:'\w+' is a required property|None is not of type 'object')`),
  },
  {
    why: 'The tail of a long value is cut off in messages, so that nobody can fill a log',
    of: / · a long name/,
    lines: /^[-+]\s*"message": "Invalid input for field 'name': 'x+/,
  },
  {
    why: 'Flask answers unknown paths with a page of HTML; here they are errors like all others',
    of: /no-such-path|OS-ENDPOINT-POLICY\/policy · admin/,
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
    lines: /^[-+]\s+"(?:self|identity_provider)": "<identity>\/v3.*$/,
  },
  {
    why: 'The twin that is refused is named by what it has in common with the first, not by an id that nobody gave',
    of: /^POST \/v3\/OS-TRUST\/trusts/,
    lines: /^[-+]\s*"message": "Conflict occurred attempting to store trust - Duplicate entry found with .*$/,
  },
  {
    why: 'An inherited role of a user or group that does not exist is refused; Keystone writes it down',
    of: /^(?:PUT|HEAD|DELETE) \/v3\/OS-INHERIT\/.* · no such (?:user|group)/,
  },
  {
    why: 'Keystone dies of it',
    of: /^POST \/v3\/users\/\{member\} · admin$|relay_state_prefix null|^GET \/v3\/OS-FEDERATION\/saml2\/metadata/,
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
    lines: /^(?:[-+] \],?|\+\s+"schema_version": "1\.0")$/,
  },
  {
    why: 'Who may not is told why not: Zed keeps that for debugging',
    of: /saml2|auth\/catalog/,
    lines:
      /^(?:-\s+"message": "You are not authorized to perform the requested action\."|\+\s+"message": ".*"),$/,
  },
  {
    why: 'What is wrong with a token is the log’s business',
    of: /\/v3\/auth\/tokens/,
    lines: words('Could not recognize Fernet token', 'Failed to validate token'),
  },
];

export const known: Readonly<Record<string, readonly Known[]>> = {
  identity,
  image: knownOfImage,
  placement: knownOfPlacement,
};
