import { randomBytes } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { newJwsPair } from '../../services/identity/store/jws-keys.ts';
import { askCloud } from '../operator-socket.ts';
import { type Format, printRows } from '../output.ts';
import { runningProcess } from '../process-record.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';
import { accountsOf, keepSecrets, secretsOf, writeClientFiles } from '../state-files.ts';

async function ask<T>(flags: CloudFlags, what: string, args: Record<string, string> = {}): Promise<T> {
  const { values } = await settingsOfCloud(flags);
  return (await askCloud(values.state_dir, `identity/${what}`, args)) as T;
}

/**
 * Makes the user admin an administrator again and writes his files anew: `keystone-manage bootstrap`. The password is
 * that of OS_BOOTSTRAP_PASSWORD, as upstream's, or a new one: on the command line everybody on the host could read it.
 */
export async function bootstrapIdentity(flags: CloudFlags, format: Format): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const { state_dir: stateDir, region } = values;
  const password = process.env['OS_BOOTSTRAP_PASSWORD'] || randomBytes(24).toString('base64url');
  const made = (await askCloud(stateDir, 'identity/recover-admin', { password })) as Record<string, string>;
  // Kept, or the next start of the cloud would set the one before.
  const secrets = { ...(await secretsOf(stateDir)), adminPassword: password };
  await keepSecrets(stateDir, secrets);
  const urls = (await runningProcess(stateDir))?.urls;
  if (urls?.['identity'] !== undefined) {
    const accounts = accountsOf(secrets);
    await writeClientFiles(stateDir, { identityUrl: urls['identity'], region, accounts });
  }
  const row = { user: 'admin', user_id: made['userId'], project_id: made['projectId'] };
  printRows([{ ...row, password_is_in: join(stateDir, 'admin-openrc') }], format);
}

const rotations = {
  'fernet-rotate': ['rotate-fernet-keys', 'new tokens are made with the key that was staged'],
  'receipt-rotate': ['rotate-receipt-keys', 'new receipts are made with the key that was staged'],
  'credential-rotate': ['rotate-credential-keys', 'credentials are encrypted anew, with a new key'],
  'domain-configuration-rotate': [
    'rotate-domain-configuration-keys',
    'what is sensitive is encrypted anew, with a new key',
  ],
  'jws-rotate': ['rotate-jws-keys', 'new tokens are signed with a new key; older public keys are kept'],
} as const;
export type Rotation = keyof typeof rotations;

/** Makes new keys the ones that are used. */
export async function rotateKeys(flags: CloudFlags, rotation: Rotation, format: Format): Promise<void> {
  const [what, result] = rotations[rotation];
  const { encrypted } = await ask<{ encrypted?: number }>(flags, what);
  printRows([{ result, ...(encrypted === undefined ? {} : { encrypted }) }], format);
}

/** Throws away trusts that are over: `keystone-manage trust_flush`. */
export async function flushTrusts(
  flags: CloudFlags,
  date: string | undefined,
  format: Format,
): Promise<void> {
  const { flushed } = await ask<{ flushed: number }>(flags, 'trust-flush', date ? { before: date } : {});
  printRows([{ flushed }], format);
}

/** Prints what is not as it should be, and what to do. Exit status 0: all is well, 1: warnings, 2: problems. */
export async function examineIdentity(flags: CloudFlags, all: boolean, format: Format): Promise<void> {
  const checks = await ask<{ result: string }[]>(flags, 'doctor');
  printRows(all ? checks : checks.filter(({ result }) => result !== 'well'), format);
  if (checks.some(({ result }) => result === 'problem')) process.exitCode = 2;
  else if (checks.some(({ result }) => result === 'warning')) process.exitCode = 1;
}

/** Writes a key pair for signed tokens: `keystone-manage create_jws_keypair`. Needs no cloud. */
export async function createJwsKeypair(directory: string, force: boolean): Promise<void> {
  const paths = { private: resolve(directory, 'private.pem'), public: resolve(directory, 'public.pem') };
  for (const path of Object.values(paths)) {
    if (!force && (await exists(path))) throw new Error(`${path} is there already: see --force`);
    // Not written over: a file that others may read would stay one.
    await rm(path, { force: true });
  }
  const { privateKey, publicKey } = newJwsPair();
  await writeFile(paths.private, privateKey, { mode: 0o600, flag: 'wx' });
  await writeFile(paths.public, publicKey, { mode: 0o600, flag: 'wx' });
  console.log(`${paths.private}\n${paths.public}`);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
