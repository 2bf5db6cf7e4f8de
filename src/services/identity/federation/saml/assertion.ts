import { Unauthorized } from '../../../../platform/errors/errors.ts';
import { childrenOf, namespaces, parseXml } from './xml.ts';

/** What an assertion says, of which the signature has been verified already. */
export interface ReadAssertion {
  id: string;
  issuer: string;
  nameId: string | undefined;
  attributes: Readonly<Record<string, readonly string[]>>;
  /** The login that it answers; undefined where nobody asked for it. */
  inResponseTo: string | undefined;
  /** Milliseconds since 1970, after which nobody takes it any more. */
  endsAt: number;
}

export interface ExpectedAssertion {
  issuer: string;
  /** Where it must have been sent. */
  recipient: string;
  /** For whom it must be; where `requireAudience` is false it may leave out to say it. */
  audience: string;
  requireAudience: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/** Milliseconds by which clocks may differ. */
const skew = 60_000;
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/**
 * Reads an assertion and makes sure that it is meant for us, now: issuer, times, audience, and a bearer confirmation
 * that names our address (SAML 2.0 profiles, 4.1.4.3).
 *
 * @param xml the assertion alone, as it was signed
 * @throws Unauthorized saying what is not right
 */
export function readAssertion(xml: string, expected: ExpectedAssertion): ReadAssertion {
  const element = parseXml(xml).documentElement;
  const { assertion: ns } = namespaces;
  if (element.namespaceURI !== ns || element.localName !== 'Assertion') throw refused('no assertion');
  const only = (of: Element, name: string): Element | undefined => {
    const found = childrenOf(of, ns, name);
    if (found.length > 1) throw refused(`more than one ${name}`);
    return found[0];
  };
  const id = element.getAttribute('ID');
  if (!id) throw refused('no ID');
  const issuer = textOf(only(element, 'Issuer'));
  if (issuer !== expected.issuer) throw refused('another issuer');
  const conditions = only(element, 'Conditions');
  const ends = [checkTimes(conditions, expected.now)];
  checkAudience(conditions, expected);
  const subject = only(element, 'Subject');
  const confirmed = subject && confirmation(subject, expected);
  if (!confirmed) throw refused('no confirmation that it is for this service');
  ends.push(confirmed.endsAt);
  return {
    id,
    issuer,
    nameId: textOf(only(subject, 'NameID')),
    attributes: attributesOf(element),
    inResponseTo: confirmed.inResponseTo,
    endsAt: Math.min(...ends),
  };
}

/** @returns when it ends */
function checkTimes(element: Element | undefined, now: number): number {
  const notBefore = element?.getAttribute('NotBefore');
  const notOnOrAfter = element?.getAttribute('NotOnOrAfter');
  if (notBefore && !(Date.parse(notBefore) <= now + skew)) throw refused('not good yet');
  if (!notOnOrAfter) return Number.POSITIVE_INFINITY;
  const end = Date.parse(notOnOrAfter) + skew;
  if (!(end > now)) throw refused('not good any more');
  return end;
}

function checkAudience(
  conditions: Element | undefined,
  { audience, requireAudience }: ExpectedAssertion,
): void {
  const { assertion: ns } = namespaces;
  const restrictions = conditions ? childrenOf(conditions, ns, 'AudienceRestriction') : [];
  if (restrictions.length === 0 && requireAudience) throw refused('for no audience');
  for (const each of restrictions) {
    if (!childrenOf(each, ns, 'Audience').some((one) => textOf(one) === audience))
      throw refused('for another audience');
  }
}

function confirmation(
  subject: Element,
  { recipient, now }: ExpectedAssertion,
): { inResponseTo: string | undefined; endsAt: number } | undefined {
  const { assertion: ns } = namespaces;
  for (const each of childrenOf(subject, ns, 'SubjectConfirmation')) {
    const [data] = childrenOf(each, ns, 'SubjectConfirmationData');
    if (each.getAttribute('Method') !== bearer || !data) continue;
    if (data.getAttribute('Recipient') !== recipient || !data.getAttribute('NotOnOrAfter')) continue;
    return { inResponseTo: data.getAttribute('InResponseTo') || undefined, endsAt: checkTimes(data, now) };
  }
  return undefined;
}

/** By name, and by the friendly name where it has one that is nobody else's name. */
function attributesOf(assertion: Element): Record<string, readonly string[]> {
  const { assertion: ns } = namespaces;
  const byName = new Map<string, string[]>();
  const friendly = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, name: string | null, values: string[]) => {
    if (name) to.set(name, [...(to.get(name) ?? []), ...values]);
  };
  for (const statement of childrenOf(assertion, ns, 'AttributeStatement')) {
    for (const attribute of childrenOf(statement, ns, 'Attribute')) {
      const values = childrenOf(attribute, ns, 'AttributeValue').map((each) => textOf(each) ?? '');
      add(byName, attribute.getAttribute('Name'), values);
      add(friendly, attribute.getAttribute('FriendlyName'), values);
    }
  }
  return Object.fromEntries([...friendly, ...byName]);
}

const textOf = (element: Element | undefined): string | undefined =>
  element?.textContent?.trim() || undefined;

const refused = (why: string): Unauthorized =>
  new Unauthorized(`The SAML assertion is not accepted: ${why}.`);
