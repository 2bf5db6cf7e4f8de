import { type Format, printRows } from '../output.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Prints every setting, its value and where it came from. */
export async function showConfig(flags: CloudFlags, format: Format): Promise<void> {
  const config = await settingsOfCloud(flags);
  printRows(
    config
      .show()
      .map(({ name, value, origin, description }) => ({ setting: name, value, origin, description })),
    format,
  );
}
