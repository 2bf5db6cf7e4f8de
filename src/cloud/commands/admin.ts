import { askCloud } from '../operator-socket.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Rotates the keys that tokens are made with, as `keystone-manage fernet_rotate` does. */
export async function rotateFernetKeys(flags: CloudFlags): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  await askCloud(values.state_dir, 'identity/rotate-fernet-keys');
  console.log(
    'the staged key is the primary now, and a new one is staged; tokens of the older keys stay good',
  );
}
