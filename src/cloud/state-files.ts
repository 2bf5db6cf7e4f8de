import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';

/** What a cloud makes up for itself once and keeps: only its owner can read it. */
export interface Secrets {
  adminPassword: string;
  demoPassword: string;
  /** Signs what the metadata proxy says about instances. */
  metadataSecret: string;
}

/** Makes a directory that only its owner can enter. */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
}

/** Writes a file that only its owner can read, whole or not at all. */
export async function writePrivately(path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.new`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** The cloud's secrets; those that are missing are made up and kept. */
export async function secretsOf(stateDir: string): Promise<Secrets> {
  const path = join(stateDir, 'secrets.yaml');
  const known = ((await readIfThere(path)) ?? {}) as Partial<Secrets>;
  const random = () => randomBytes(24).toString('base64url');
  const secrets: Secrets = {
    adminPassword: known.adminPassword ?? random(),
    demoPassword: known.demoPassword ?? random(),
    metadataSecret: known.metadataSecret ?? random(),
  };
  if (Object.keys(known).length < Object.keys(secrets).length) await keepSecrets(stateDir, secrets);
  return secrets;
}

/** Writes the secrets anew, all of them. */
export const keepSecrets = (stateDir: string, secrets: Secrets): Promise<void> =>
  writePrivately(join(stateDir, 'secrets.yaml'), stringify(secrets));

async function readIfThere(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An identity that the stock clients can be given. */
export interface Account {
  cloud: string;
  file: string;
  user: string;
  project: string;
  password: string;
}

export const accountsOf = ({ adminPassword, demoPassword }: Secrets): Account[] => [
  { cloud: 'cumulet-admin', file: 'admin-openrc', user: 'admin', project: 'admin', password: adminPassword },
  { cloud: 'cumulet-demo', file: 'demo-openrc', user: 'demo', project: 'demo', password: demoPassword },
];

/** Writes `admin-openrc`, `demo-openrc` and `clouds.yaml` for the clients. */
export async function writeClientFiles(
  stateDir: string,
  cloud: { identityUrl: string; region: string; accounts: Account[] },
): Promise<void> {
  const authUrl = `${cloud.identityUrl}/v3`;
  const clouds: Record<string, object> = {};
  for (const { cloud: name, file, user, project, password } of cloud.accounts) {
    const variables = {
      OS_AUTH_URL: authUrl,
      OS_IDENTITY_API_VERSION: '3',
      OS_USERNAME: user,
      OS_PASSWORD: password,
      OS_PROJECT_NAME: project,
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: cloud.region,
      OS_INTERFACE: 'public',
      // The client's own defaults for these are older than what everybody types today.
      OS_IMAGE_API_VERSION: '2',
      OS_VOLUME_API_VERSION: '3',
    };
    const lines = Object.entries(variables).map(([key, value]) => `export ${key}='${value}'`);
    await writePrivately(join(stateDir, file), `${lines.join('\n')}\n`);
    clouds[name] = {
      auth: {
        auth_url: authUrl,
        username: user,
        password,
        project_name: project,
        user_domain_name: 'Default',
        project_domain_name: 'Default',
      },
      region_name: cloud.region,
      interface: 'public',
      identity_api_version: 3,
    };
  }
  await writePrivately(join(stateDir, 'clouds.yaml'), stringify({ clouds }));
}
