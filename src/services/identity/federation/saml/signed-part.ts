import { SignedXml } from 'xml-crypto';
import { childrenOf, namespaces } from './xml.ts';

/** What a signature of the whole element may do with it before it is hashed: leave itself out, and write it plainly. */
const transforms = new Set([
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  'http://www.w3.org/2001/10/xml-exc-c14n#',
  'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
]);

/**
 * What the provider has signed of a document: the octets under the one signature that the document's element has of
 * itself. Only these may be read.
 *
 * @param xml a document that `element` is the root of
 * @returns undefined where there is no such signature, or none by these certificates
 */
export function signedPart(
  xml: string,
  element: Element,
  certificates: readonly string[],
): string | undefined {
  const [signature, ...more] = childrenOf(element, namespaces.signature, 'Signature');
  if (!signature || more.length > 0) return undefined;
  const id = element.getAttribute('ID');
  if (!id || idsIn(element).filter((each) => each === id).length !== 1) return undefined;
  for (const publicCert of certificates) {
    try {
      const verifier = new SignedXml({ publicCert });
      verifier.loadSignature(signature);
      const [reference, ...others] = verifier.getReferences();
      if (!reference || others.length > 0 || reference.uri !== `#${id}`) return undefined;
      if (!reference.transforms.every((each) => transforms.has(each))) return undefined;
      if (!verifier.checkSignature(xml.replaceAll(/\r\n?/g, '\n'))) continue;
      const [part, ...parts] = verifier.getSignedReferences();
      if (parts.length === 0) return part;
    } catch {
      // It may be by another of the certificates.
    }
  }
  return undefined;
}

function idsIn(element: Element): string[] {
  const id = element.getAttribute('ID');
  const found = id ? [id] : [];
  for (let child = element.firstChild; child; child = child.nextSibling)
    if (child.nodeType === 1) found.push(...idsIn(child as Element));
  return found;
}
