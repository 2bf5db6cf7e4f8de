import { type Static, Type } from 'typebox';
import { Unauthorized } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { Credential } from '../store/credentials.ts';
import { newId } from '../store/new-id.ts';
import { assertOwnAuthority, ec2Blob, ec2CredentialId } from './credentials.ts';
import { collection, notFound } from './style.ts';

const Creation = Type.Object({ tenant_id: Type.String({ minLength: 1, maxLength: 64 }) });

/** EC2 key pairs of users, by their access keys. */
export function ec2CredentialRoutes(identity: Identity): Route[] {
  const { credentials, directory } = identity;
  const path = '/v3/users/:user_id/credentials/OS-EC2';

  function view({ user_id, project_id, blob }: Credential, call: Call): Record<string, unknown> {
    const { access, secret, trust_id = null } = ec2Blob(blob);
    const self = `${call.origin}/v3/users/${user_id}/credentials/OS-EC2/${access}`;
    return { user_id, tenant_id: project_id, access, secret, trust_id, links: { self } };
  }

  async function assertUser(call: Call): Promise<string> {
    const { user_id = '' } = call.params;
    if (!(await directory.user(user_id))) throw notFound('user', user_id);
    assertOwnAuthority(call);
    return user_id;
  }

  /** The key pair alone says whose it is, as upstream has it. @throws NotFound, Unauthorized for what is no key pair */
  async function named(call: Call, rule: string): Promise<Credential> {
    const { access = '' } = call.params;
    const found = await credentials.get(ec2CredentialId(access));
    if (!found) throw notFound('credential', ec2CredentialId(access));
    call.enforce(rule, { target: { credential: found } });
    await assertUser(call);
    if (found.type !== 'ec2') throw new Unauthorized('EC2 access key not found.');
    return found;
  }

  async function create(call: Call<Static<typeof Creation>>): Promise<Answer> {
    const { user_id: asked = '' } = call.params;
    call.enforce('identity:ec2_create_credential', { target: { credential: { user_id: asked } } });
    const user_id = await assertUser(call);
    const { tenant_id: project_id } = call.body;
    if (!(await directory.project(project_id))) throw notFound('project', project_id);
    const pair = { access: newId(), secret: newId(), trust_id: null };
    const made = {
      id: ec2CredentialId(pair.access),
      user_id,
      project_id,
      type: 'ec2',
      blob: JSON.stringify(pair),
      extra: {},
    };
    await credentials.insert(made);
    return new Answer(201, { credential: view(made, call) });
  }

  return [
    route({
      method: 'GET',
      path,
      summary: 'List the EC2 key pairs of a user',
      async handler(call) {
        const { user_id = '' } = call.params;
        call.enforce('identity:ec2_list_credentials', { user_id });
        await assertUser(call);
        const found = await credentials.list({ user_id, type: 'ec2' });
        return collection(
          call,
          'credentials',
          found.map((each) => view(each, call)),
        );
      },
    }),
    route({ method: 'POST', path, summary: 'Make an EC2 key pair', body: Creation, handler: create }),
    route({
      method: 'GET',
      path: `${path}/:access`,
      summary: 'Show an EC2 key pair',
      async handler(call) {
        return { credential: view(await named(call, 'identity:ec2_get_credential'), call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:access`,
      summary: 'Delete an EC2 key pair',
      async handler(call) {
        const { id } = await named(call, 'identity:ec2_delete_credential');
        await credentials.delete(id);
      },
    }),
  ];
}
