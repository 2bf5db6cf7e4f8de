import { SignedXml } from 'xml-crypto';
import type { SamlKeys } from './keys.ts';

export const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const canonical = 'http://www.w3.org/2001/10/xml-exc-c14n#';

/** A message or an assertion with a signature of itself inside, after its issuer (SAML 2.0 core, 5.4). */
export function enveloped(xml: string, { key, certificate }: SamlKeys): string {
  const signer = new SignedXml({
    privateKey: key,
    publicCert: certificate,
    signatureAlgorithm: rsaSha256,
    canonicalizationAlgorithm: canonical,
  });
  signer.addReference({
    xpath: '/*',
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', canonical],
  });
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: "/*/*[local-name(.)='Issuer']", action: 'after' },
  });
  return signer.getSignedXml();
}
