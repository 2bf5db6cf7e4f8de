import { type Static, Type } from 'typebox';
import { sameSecret } from '../../../platform/auth/same-secret.ts';
import { Unauthorized } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { ec2Signature, type SignedRequest, s3Signature, UnknownSignature } from '../model/ec2-signature.ts';
import { assertFresh, keyPairOf, tokenOf } from '../tokens/signed-requests.ts';
import { ec2CredentialId } from './credentials.ts';
import { tokenView } from './token-view.ts';

const Texts = Type.Record(Type.String({ maxLength: 1024 }), Type.String({ maxLength: 16_384 }));
const Signed = Type.Object({
  access: Type.Optional(Type.String({ maxLength: 255 })),
  signature: Type.Optional(Type.String({ maxLength: 1024 })),
  host: Type.Optional(Type.String({ maxLength: 1024 })),
  verb: Type.Optional(Type.String({ maxLength: 16 })),
  path: Type.Optional(Type.String({ maxLength: 8192 })),
  params: Type.Optional(Texts),
  headers: Type.Optional(Texts),
  body_hash: Type.Optional(Type.String({ maxLength: 128 })),
  /** Of S3: what was signed, base64. */
  token: Type.Optional(Type.String({ maxLength: 65_536 })),
});
type Signed = Static<typeof Signed>;
// Upstream has known it by all of these names.
const Body = Type.Object({
  credentials: Type.Optional(Signed),
  credential: Type.Optional(Signed),
  ec2Credentials: Type.Optional(Signed),
});

/** Tokens for those whose requests to other services are signed with EC2 key pairs: those services ask. */
export function signedTokenRoutes(identity: Identity): Route[] {
  const { credentials, catalogs, settings } = identity;

  async function answer(
    call: Call<Static<typeof Body>>,
    rule: string,
    isSigned: (secret: string, signed: Signed) => boolean,
    shows: 'id' | 'token alone',
  ): Promise<Answer> {
    call.enforce(rule);
    const { body } = call;
    const signed = body.credentials ?? body.credential ?? body.ec2Credentials;
    if (signed?.access === undefined) throw new Unauthorized('EC2 Signature not supplied');
    const pair = keyPairOf(await credentials.get(ec2CredentialId(signed.access)));
    if (!right(() => isSigned(pair.secret, signed))) throw new Unauthorized('Invalid EC2 signature.');
    const { params = {}, headers = {} } = signed;
    assertFresh(
      params['Timestamp'] ?? headers['X-Amz-Date'] ?? params['X-Amz-Date'],
      settings.credential_auth_ttl,
    );
    const { id, token } = await tokenOf(identity, pair);
    const view = { token: tokenView(token, await catalogs.rowsFor(token.subject.project?.id)) };
    return new Answer(200, view, shows === 'id' ? { 'x-subject-token': id } : {});
  }

  return [
    route({
      method: 'POST',
      path: '/v3/ec2tokens',
      summary: 'Check a request that is signed with an EC2 key pair',
      body: Body,
      handler: (call) => answer(call, 'identity:ec2tokens_validate', isSignedRequest, 'id'),
    }),
    route({
      method: 'POST',
      path: '/v3/s3tokens',
      summary: 'Check what an S3 client has signed',
      body: Body,
      handler: (call) => answer(call, 'identity:s3tokens_validate', isSignedString, 'token alone'),
    }),
  ];
}

/** A request that cannot have been signed is as good as one with a wrong signature. */
function right(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    if (error instanceof UnknownSignature) return false;
    throw error;
  }
}

function isSignedRequest(secret: string, signed: Signed): boolean {
  const { signature, host = '', verb = '', path = '', params = {}, headers = {}, body_hash } = signed;
  if (!signature) throw new Unauthorized('EC2 signature not supplied.');
  const request: SignedRequest = {
    signature,
    host,
    verb,
    path,
    params,
    headers,
    ...(body_hash === undefined ? {} : { body_hash }),
  };
  if (sameSecret(signature, ec2Signature(secret, request))) return true;
  // Some clients leave the port out of what they sign.
  const bare = host.replace(/:\d+$/, '');
  return bare !== host && sameSecret(signature, ec2Signature(secret, { ...request, host: bare }));
}

function isSignedString(secret: string, { token, signature }: Signed): boolean {
  if (token === undefined || !signature) throw new Unauthorized('EC2 signature not supplied.');
  return sameSecret(signature, s3Signature(secret, Buffer.from(token, 'base64url')));
}
