import { DOMParser } from '@xmldom/xmldom';
import { BadRequest } from '../../../../platform/errors/errors.ts';

export const namespaces = {
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  soap: 'http://schemas.xmlsoap.org/soap/envelope/',
  paos: 'urn:liberty:paos:2003-08',
  ecp: 'urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp',
} as const;

/** Characters of a document. */
const longest = 512 * 1024;

/**
 * Reads XML that comes from outside.
 *
 * @throws BadRequest for what is none, is too long, or declares types or entities: these read files and multiply
 */
export function parseXml(text: string): Document {
  if (text.length > longest) throw new BadRequest('The document is too long.');
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new BadRequest('Documents with a DOCTYPE are not read.');
  const fail = (): never => {
    throw new BadRequest('The document is not well-formed XML.');
  };
  const document = new DOMParser({
    errorHandler: { warning: () => {}, error: fail, fatalError: fail },
  }).parseFromString(text, 'text/xml');
  if (!document?.documentElement) return fail();
  return document;
}

/** Text as it stands in XML, between tags and in attributes. */
export const escaped = (text: string): string =>
  text
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
    .replaceAll(/[&<>"'\t\n\r]/g, (each) => `&#${each.charCodeAt(0)};`);

/** The children of an element by namespace and name. */
export function childrenOf(element: Element, namespace: string, name: string): Element[] {
  const found: Element[] = [];
  for (let child = element.firstChild; child; child = child.nextSibling) {
    const each = child as Element;
    if (each.nodeType === 1 && each.namespaceURI === namespace && each.localName === name) found.push(each);
  }
  return found;
}
