import type { Credentials } from '../../../platform/auth/credentials.ts';
import { currentContext } from '../../../platform/context/context.ts';
import { ApiError, Conflict } from '../../../platform/errors/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImportInput } from '../flows/import-image.ts';
import type { Image } from '../model/image.ts';
import {
  changedStores,
  failedImport,
  importingToStores,
  importTask,
  ownProperties,
  stageHost,
} from '../model/reserved.ts';
import type { ImageSettings } from '../settings.ts';
import type { TaskRow } from '../store/tables.ts';
import type { ImageService } from './image-service.ts';

export interface NewImport
  extends Pick<ImportInput, 'taskId' | 'method' | 'uri' | 'source' | 'stores' | 'mustSucceed'> {
  /** `api_image_import`, or `import` for what `/v2/tasks` was asked. */
  type: string;
  /** Whether the host that has the image's staged bytes answers. */
  stageAnswers?: boolean;
  /** What `/v2/tasks` shows that was asked for. */
  asked: Record<string, unknown>;
}

/**
 * Takes an image for an import, writes its task and starts its flow. Within a transaction.
 *
 * @throws ApiError 504 where the image's bytes are staged on another host that does not answer
 */
export async function beginImport(
  service: ImageService,
  by: Credentials,
  { row, properties }: Image,
  { type, asked, stageAnswers, ...wanted }: NewImport,
): Promise<TaskRow> {
  const { images, settings, tasks } = service;
  const { taskId, method, stores } = wanted;
  const stagedOn = stagedElsewhereOn(service, method, properties);
  if (stagedOn !== null && !stageAnswers) throw new ApiError(504, 'Stage host is unavailable');
  const task = newTask(taskId, type, by, row.id, asked);
  await tasks.insert(task);
  if (method !== 'copy-image') await images.swap({ id: row.id }, { status: 'importing' });
  await images.setReserved(row.id, {
    [importTask]: taskId,
    [stageHost]: null,
    [importingToStores]: changedStores(properties[importingToStores], { add: stores }),
    [failedImport]: changedStores(properties[failedImport], { remove: stores }),
  });
  await service.startImport({
    ...wanted,
    imageId: row.id,
    stagedOn,
    plugins: [...settings.image_import_plugins],
    roles: [...by.roles],
    before: {
      diskFormat: row.disk_format,
      containerFormat: row.container_format,
      properties: changeable(ownProperties(properties), settings),
    },
  });
  return task;
}

/** The other host that has what is to be imported; `null` where nothing is anywhere else. */
export function stagedElsewhereOn(
  { host }: ImageService,
  method: ImportInput['method'],
  properties: Record<string, string>,
): string | null {
  const staged = properties[stageHost];
  return method === 'glance-direct' && staged !== undefined && staged !== host ? staged : null;
}

/** @throws Conflict while another import, or a location that is being added, has the image */
export async function assertFree({ tasks }: ImageService, { properties }: Image): Promise<void> {
  const other = properties[importTask];
  const task = other === undefined ? undefined : await tasks.get(other);
  if (task && task.status !== 'success' && task.status !== 'failure')
    throw new Conflict('Image has active task');
}

/** A task that waits for its flow; its request is the one that is running. */
export function newTask(
  id: string,
  type: string,
  by: Credentials,
  imageId: string,
  input: Record<string, unknown>,
): TaskRow {
  const now = timestamp();
  return {
    id,
    type,
    status: 'pending',
    owner: by.projectId ?? null,
    user_id: by.userId,
    request_id: currentContext().requestId,
    image_id: imageId,
    input,
    result: null,
    message: '',
    expires_at: null,
    created_at: now,
    updated_at: now,
  };
}

/** Properties that an import may overwrite. */
const changeable = (
  properties: Record<string, string>,
  { inject, glance_download_extra_properties: prefixes }: ImageSettings,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).filter(
      ([name]) => Object.hasOwn(inject, name) || prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );
