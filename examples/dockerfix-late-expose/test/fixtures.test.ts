/** Every folder of fixtures/ is a case: the context's files, and in expected/ what must come out. UPDATE=1 rewrites it. */
import { join } from 'node:path';
import test from 'node:test';
import { checkFixture, fixtureFolders, withPlugin } from 'dockerfix/testing';
import plugin from '../src/index.js';

const fixtures = fixtureFolders(join(import.meta.dirname, '../../fixtures'));
for (const fixture of fixtures) test(fixture.name, () => void checkFixture(fixture, withPlugin(plugin)));
