import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Store } from '../../../platform/store/store.ts';
import { forEachDatabase } from '../../../platform/store/testing/databases.ts';
import { standardDefinitions } from '../metadefs/all.ts';
import { loadStandardMetadefs } from './metadef-defaults.ts';
import { metadefQueries } from './metadef-namespaces.ts';
import { type ImageTables, imageSchema } from './tables.ts';

forEachDatabase((_name, open) => {
  let store: Store<ImageTables>;
  before(async () => {
    store = await open(imageSchema);
  });

  it('standard metadata definitions are in a new database, once, whoever starts at the same time', async () => {
    const made = await Promise.all([1, 2, 3].map(() => loadStandardMetadefs(store)));
    assert.deepEqual(made.toSorted(), [0, 0, standardDefinitions.length]);
    assert.equal(await loadStandardMetadefs(store), 0);
    const queries = metadefQueries(store);
    assert.equal(await queries.namespaces.count(), 33);
    const [properties, objects] = [await queries.properties.list(), await queries.objects.list()];
    const inObjects = objects.flatMap((each) => Object.keys(each.properties));
    assert.equal(properties.length + inObjects.length, 199);
    assert.equal(objects.length, 23);
    assert.deepEqual(
      (await queries.resourceTypes.list()).map(({ name, protected: kept }) => [name, kept]),
      [
        ['OS::Cinder::Volume', true],
        ['OS::Glance::Image', true],
        ['OS::Nova::Aggregate', true],
        ['OS::Nova::Flavor', true],
        ['OS::Nova::Server', true],
        ['OS::Trove::Instance', true],
      ],
    );
  });

  it('they say of a namespace what glance says', async () => {
    const queries = metadefQueries(store);
    const row = await queries.get('OS::Compute::GuestMemoryBacking');
    assert.ok(row);
    assert.deepEqual([row.visibility, row.protected, row.owner], ['public', true, 'admin']);
    const { associations, properties } = await queries.contents(row.id);
    assert.deepEqual(
      associations.map((each) => [each.resource_type, each.prefix, each.properties_target]),
      [
        ['OS::Nova::Flavor', 'hw:', null],
        ['OS::Glance::Image', 'hw_', null],
        ['OS::Cinder::Volume', 'hw_', 'image'],
      ],
    );
    assert.deepEqual(
      properties.map(({ name, json_schema }) => [name, json_schema.type]),
      [['mem_page_size', 'string']],
    );
  });

  it('they stay as operators left them', async () => {
    const queries = metadefQueries(store);
    await queries.namespaces.delete({ namespace: 'OS::Compute::XenAPI' });
    assert.equal(await loadStandardMetadefs(store), 0);
    assert.equal(await queries.namespaces.count(), 32);
  });
});

describe('the standard metadata definitions', () => {
  it('keep to what the API takes', () => {
    for (const { namespace, display_name, description } of standardDefinitions) {
      assert.ok(namespace.length <= 80 && display_name.length <= 80, namespace);
      assert.ok(description.length <= 500, namespace);
    }
  });
});
