import type { Examined, Symptom } from './checks/check.ts';
import { databaseChecks } from './checks/database.ts';
import { keyChecks } from './checks/keys.ts';
import { settingChecks } from './checks/settings.ts';

/** What of a check `cumulet admin identity doctor` shows. */
export interface Diagnosis {
  check: string;
  result: 'well' | Symptom['severity'];
  seen: string;
  mend: string;
}

/** Looks at everything, keystone-manage doctor's symptoms among it. A check that cannot look is a problem itself. */
export async function diagnose(examined: Examined): Promise<Diagnosis[]> {
  const checks = [...keyChecks(examined), ...settingChecks(examined), ...databaseChecks(examined)];
  const found: Diagnosis[] = [];
  for (const { what, look } of checks) {
    let symptom: Symptom | undefined;
    try {
      symptom = await look();
    } catch (error) {
      const seen = error instanceof Error ? error.message : String(error);
      symptom = { severity: 'problem', seen, mend: 'let the check look' };
    }
    const { severity = 'well', seen = '', mend = '' } = symptom ?? {};
    found.push({ check: what, result: severity, seen, mend });
  }
  return found;
}
