import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Authority } from './authority.ts';
import type { Scope } from './scope.ts';
import { groundsOf, toPayload } from './token-grounds.ts';
import { packTokenPayload, unpackTokenPayload } from './token-payload.ts';

const id = fc.uuid().map((uuid) => uuid.replaceAll('-', ''));
const project: fc.Arbitrary<Scope> = id.map((projectId) => ({ kind: 'project', projectId }));
const domain: fc.Arbitrary<Scope> = id.map((domainId) => ({ kind: 'domain', domainId }));
const delegated: fc.Arbitrary<Authority> = fc.oneof(
  id.map((trustId) => ({ kind: 'trust' as const, trustId })),
  id.map((each) => ({ kind: 'application-credential' as const, applicationCredentialId: each })),
  id.map((accessTokenId) => ({ kind: 'oauth1' as const, accessTokenId })),
);
const plain = <T>(parts: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(parts, { noNullPrototype: true });
const federated: fc.Arbitrary<Authority> = plain({
  kind: fc.constant('federation' as const),
  groupIds: fc.array(id, { maxLength: 3 }),
  identityProviderId: id,
  protocolId: fc.constantFrom('saml2', 'openid'),
});
const grounds = fc.oneof(
  fc.constant({}),
  plain({ scope: fc.oneof(project, domain, fc.constant<Scope>({ kind: 'system' })) }),
  plain({ scope: project, authority: delegated }),
  plain({ scope: fc.oneof(project, domain), authority: federated }),
  plain({ authority: federated }),
);

describe('what a token is good for', () => {
  it('is told by its payload, whatever it stands on', () => {
    fc.assert(
      fc.property(grounds, (given) => {
        const common = {
          userId: 'f'.repeat(32),
          methods: ['password'],
          expiresAt: 1_700_000_000_000_000,
          auditIds: ['AAAAAAAAAAAAAAAAAAAAAA'] as [string],
        };
        const bytes = packTokenPayload(toPayload(common, given));
        assert.deepEqual(groundsOf(unpackTokenPayload(bytes)), given);
      }),
    );
  });

  it('cannot be a delegation without a project', () => {
    const common = { userId: 'u', methods: [], expiresAt: 0, auditIds: ['x'] as [string] };
    const authority = { kind: 'trust', trustId: 'f'.repeat(32) } as const;
    assert.throws(() => toPayload(common, { authority }), RangeError);
    assert.throws(() => toPayload(common, { authority, scope: { kind: 'system' } }), RangeError);
  });
});
