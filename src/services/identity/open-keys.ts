import { join } from 'node:path';
import type { Platform } from '../../platform/service/service.ts';
import { JwsKeys } from './store/jws-keys.ts';
import { KeyRepository } from './store/key-repository.ts';

/** Every folder of keys that identity has in its state directory. */
export interface Keys {
  tokens: KeyRepository;
  /** Where tokens are signed instead of encrypted. */
  jws: JwsKeys | undefined;
  credentials: KeyRepository;
  receipts: KeyRepository;
  domainConfigurations: KeyRepository;
}

/** @param until what ends with the service @throws RangeError where a key is malformed */
export async function openKeys(
  platform: Pick<Platform, 'stateDir' | 'log'>,
  settings: { readonly token_provider: 'fernet' | 'jws' },
  until: AsyncDisposableStack,
): Promise<Keys> {
  const options = (folder: string) => ({
    directory: join(platform.stateDir, folder),
    onError: (err: unknown) =>
      platform.log.error({ err, folder }, 'keys cannot be read: those in memory stay in use'),
  });
  const open = async (folder: string): Promise<KeyRepository> =>
    until.adopt(await KeyRepository.open(options(folder)), (keys) => keys.close());
  return {
    tokens: await open('fernet-keys'),
    jws:
      settings.token_provider === 'jws'
        ? until.adopt(await JwsKeys.open(options('jws-keys')), (keys) => keys.close())
        : undefined,
    credentials: await open('credential-keys'),
    receipts: await open('receipt-keys'),
    domainConfigurations: await open('domain-configuration-keys'),
  };
}
