import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { XMLSerializer } from '@xmldom/xmldom';
import { decrypted } from './decryption.ts';
import { signedPart } from './signed-part.ts';
import { childrenOf, escaped, namespaces, parseXml } from './xml.ts';

/**
 * The assertion of a response, as the provider has signed it: in itself, or with the response around it.
 *
 * @param certificates of the provider
 * @param key ours, for an assertion that is encrypted: PEM
 * @throws Error for everything else; which may not be told, or ciphertexts could be guessed by it
 */
export async function signedAssertion(
  response: string,
  { certificates, key }: { certificates: readonly string[]; key(): Promise<string> },
): Promise<string> {
  const root = parseXml(response).documentElement;
  if (encryptedIn(root).length === 0) return plainAssertion(response, certificates);
  const whole = signedPart(response, root, certificates);
  // Nothing but what is signed is looked at, where the response is.
  const from = whole === undefined ? root : parseXml(whole).documentElement;
  const [sealed, ...more] = encryptedIn(from);
  if (!sealed || more.length > 0 || childrenOf(from, namespaces.assertion, 'Assertion').length > 0) {
    throw new Error('not one assertion');
  }
  const alone = inPlaceOf(sealed, decrypted(sealed, await key()));
  // Whoever knows our certificate can encrypt: that says nothing of who wrote it.
  if (whole === undefined) return plainAssertion(alone, certificates);
  const [assertion] = childrenOf(parseXml(alone).documentElement, namespaces.assertion, 'Assertion');
  return new XMLSerializer().serializeToString(assertion as Element);
}

function encryptedIn(root: Element): Element[] {
  if (root.namespaceURI !== namespaces.protocol || root.localName !== 'Response') return [];
  return childrenOf(root, namespaces.assertion, 'EncryptedAssertion');
}

async function plainAssertion(response: string, certificates: readonly string[]): Promise<string> {
  const saml = new SAML({
    idpCert: [...certificates],
    issuer: 'us',
    callbackUrl: 'https://us.invalid/',
    // Looked at afterwards, in the assertion that was signed.
    audience: false,
    validateInResponseTo: ValidateInResponseTo.never,
    wantAssertionsSigned: false,
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: 60_000,
  });
  const { profile } = await saml.validatePostResponseAsync({
    SAMLResponse: Buffer.from(response).toString('base64'),
  });
  const signed = profile?.getAssertionXml?.();
  if (!signed) throw new Error('no assertion');
  return signed;
}

/**
 * A response of one assertion, that was encrypted in place of `sealed`: prefixes that were declared around it count
 * in it (xmlenc-core1, 4.4).
 */
function inPlaceOf(sealed: Element, text: string): string {
  const declared = new Map<string, string>();
  for (let each: Node | null = sealed; each?.nodeType === 1; each = each.parentNode) {
    for (const { name, value } of Array.from((each as Element).attributes)) {
      const declares = name === 'xmlns' || name.startsWith('xmlns:');
      if (declares && !declared.has(name)) declared.set(name, value);
    }
  }
  const own = 'cumulet-response';
  declared.set(`xmlns:${own}`, namespaces.protocol);
  const scope = [...declared].map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
  const root = parseXml(`<${own}:Response${scope}>${text}</${own}:Response>`).documentElement;
  const inside = Array.from(root.childNodes);
  const [assertion] = childrenOf(root, namespaces.assertion, 'Assertion');
  if (!assertion || inside.length !== 1 || root.parentNode?.lastChild !== root) {
    throw new Error('what was encrypted is not an assertion');
  }
  return new XMLSerializer().serializeToString(root);
}
