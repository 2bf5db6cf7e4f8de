import type { Call } from '../../../platform/http/call.ts';
import type { ImageRecord } from '../../image/contract.ts';
import { toSeconds } from './server-view.ts';
import { linksOf } from './style.ts';

const statuses: Record<string, string> = {
  active: 'ACTIVE',
  queued: 'SAVING',
  saving: 'SAVING',
  deleted: 'DELETED',
  pending_delete: 'DELETED',
  killed: 'ERROR',
};
const progress: Record<string, number> = { queued: 25, saving: 50, active: 100 };

/** The standard port of the image service. */
const imagePort = 9292;

function imageLinks(id: string, call: Call, portOffset: number): object[] {
  const alternate = new URL(`/images/${id}`, call.origin);
  alternate.port = String(imagePort + portOffset);
  return [
    ...linksOf('images', id, call),
    { rel: 'alternate', type: 'application/vnd.openstack.image', href: alternate.href },
  ];
}

/** An image as a list without details has it. */
export const briefImage = ({ id, name }: ImageRecord, call: Call, portOffset: number): object => ({
  id,
  name,
  links: imageLinks(id, call, portOffset),
});

/** An image as compute shows it. Source: nova/api/openstack/compute/views/images.py. */
export function shownImage(image: ImageRecord, call: Call, portOffset: number): object {
  const { properties } = image;
  const server = properties['instance_uuid'];
  const config = properties['auto_disk_config'];
  const automatic = ['1', 't', 'true', 'on', 'y', 'yes'].includes(config?.toLowerCase() ?? '');
  return {
    ...briefImage(image, call, portOffset),
    minRam: image.minRam,
    minDisk: image.minDisk,
    metadata: properties,
    created: toSeconds(image.createdAt),
    updated: toSeconds(image.updatedAt),
    status: statuses[image.status] ?? 'UNKNOWN',
    progress: progress[image.status] ?? 0,
    'OS-EXT-IMG-SIZE:size': image.size,
    ...(server === undefined ? {} : { server: { id: server, links: linksOf('servers', server, call) } }),
    ...(config === undefined ? {} : { 'OS-DCF:diskConfig': automatic ? 'AUTO' : 'MANUAL' }),
  };
}
