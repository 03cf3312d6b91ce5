/** COPY and ADD on symbols: what they bring where, and whose it is. */
import type { Copy, Word } from '../model.ts';
import { expandCopySource, expandParentsSource, goMatch } from '../context/dockerignore.ts';
import { resolvePath } from '../dockerfile/state.ts';
import type { Event, Placement, StageTrace } from './actions.ts';
import {
  contextLayer,
  type Image,
  type Layer,
  mergeLayer,
  ownLayer,
  sievedLayer,
  stageLayer,
  stageWildcardLayer,
  valueLayer,
  wildcardLayer,
} from './image.ts';
import { foldersWithLinks, type Machine } from './machine.ts';
import { baseName, collides, HOME_FILES, isShared, join, parentPath, within } from './paths.ts';
import { afterPivot, ARCHIVE, endsInSlash, excluded, looksLikeFile, NO_ARCHIVE, SURE_FILE } from './sources.ts';

/** Writes what it brings to the image; gives where each of its sources goes, where that is plain. */
export function copy(machine: Machine, copy: Copy): Pick<Event, 'placements' | 'from'> {
  const flag = (name: string): string => copy.flags.find((each) => each.name === name)?.value ?? '';
  const chown = flag('chown') + machine.used(flag('chown')) + machine.users.idsOf(flag('chown'));
  const others = machine.flagText(copy, (name) => name === 'chown' || name === 'from' || name === 'parents');
  const refs = machine.used([others, ...copy.sources.map((source) => source.text)].join(' '));
  const owner = [
    refs,
    chown === '0:0' || chown === 'root:root' || chown === 'root' ? '' : chown,
    others,
    machine.volumes.length > 0 ? machine.volumes.join() : '',
  ]
    .join(' ')
    .trim();
  if (machine.aliased) machine.configuration.push(`copy ${machine.textOf(copy)}`);
  machine.users.need(flag('chown'));
  const destination = copy.destination?.value;
  // Directories get the mode of --chmod, but for a symbolic one. Source: fsutil, copy/copy.go, `createParentDirs`.
  const mode = /^0?755$|^[^\d$]+$/.test(flag('chmod')) ? '' : flag('chmod') + machine.used(flag('chmod'));
  const maker = `${chown === '' ? 'root' : chown} ${mode}`.trim();
  const unknown = copy.from === undefined && copy.sources.some((source) => source.value === undefined);
  if (destination === undefined || unknown) {
    copyUnknown(machine, copy, maker);
    return {};
  }
  const directory = resolvePath(copy.state.workdir, destination);
  const sources = copy.sources.map((source) => source.value ?? source.text);
  const many = sources.length + copy.heredocs.length > 1;
  // The classic builder refuses the first, BuildKit the second.
  if (many && !destination.endsWith('/')) machine.mayFail.add(`several sources to ${destination}`);
  if (sources.length > 1 && flag('checksum') !== '') machine.mayFail.add(`one checksum of ${sources.join(' ')}`);
  const into = endsInSlash(destination) || many || machine.image.isDirectory(directory);
  const isLink = copy.flags.some(({ name, value }) => name === 'link' && value !== 'false');
  const place = (target: string, layer: Layer, isDirectory: boolean, perhaps = false): void => {
    if (['/etc/passwd', '/etc/group'].some((path) => within(path, target))) machine.users.copied(layer.key);
    if (machine.isLinked(target)) {
      machine.image.writeAll(machine.symbols.of('link', target, layer.key, machine.image.valueOf('/')));
      return;
    }
    const folder = isDirectory ? target : parentPath(target);
    if (machine.image.isFile(folder)) machine.mayFail.add(`copy into ${folder}, a file`);
    const before = isDirectory ? ownerOf(machine, target, maker) : maker;
    machine.image.makeDirectory(folder, maker, perhaps);
    machine.image.write(target, isOwn(machine, copy, target, isDirectory) ? ownLayer(layer) : layer);
    // What lies in the source is given the owner; the destination keeps the one that it has (rule 29), but for a layer
    // of its own, which has all directories on the way, too (rule 35).
    if (!isLink && before !== maker) machine.image.keepMaker(target, before);
    for (let each = folder; isLink && each.length > 1; each = parentPath(each)) machine.image.keepMaker(each, maker);
  };
  const placements: Placement[] = [];
  const parents = copy.flags.some((each) => each.name === 'parents');
  if (copy.from !== undefined) {
    const stage = copy.fromStage === undefined ? undefined : machine.done[copy.fromStage];
    for (const source of sources) {
      const path = resolvePath('/', source);
      if (/[*?[\\$]/.test(source)) {
        place(directory, fromPattern(machine, copy, source, stage?.image, owner), true);
        continue;
      }
      const key = `${copy.from}:${path}:${owner}`;
      if (parents) {
        place(directory, mergeLayer(`parents ${key}`), true);
        continue;
      }
      const layer = stage === undefined ? mergeLayer(key) : stageLayer(stage.image, path, owner);
      const isFile = !endsInSlash(source) && (stage?.image.isFile(path) ?? false);
      const isDirectory = endsInSlash(source) || (stage?.image.isDirectory(path) ?? false);
      const named = into && !isDirectory && (isFile || looksLikeFile(source));
      const target = named ? join(directory, baseName(path)) : directory;
      // What is in it comes there if it is a directory.
      if (named && !isFile && !SURE_FILE.test(path)) place(directory, mergeLayer(`either ${key}`), true);
      place(target, layer, target === directory);
      placements.push({ source: path, target, directory: target === directory && !isFile && !looksLikeFile(source) });
      addPlacedOf(machine, stage, path, target);
    }
    const isPlain = placements.length === sources.length;
    return isPlain && stage !== undefined ? { from: { stage, placements } } : {};
  }
  // A wildcard that matches nothing makes no directory either.
  const isSure = sources.some(
    (source) => !/[*?[\\]/.test(source) || expandCopySource(machine.context, source).length > 0,
  );
  const isInDoubt = excluded(copy);
  const brought = (path: string, layer: Layer): Layer =>
    isInDoubt === undefined ? layer : sievedLayer(layer, path, isInDoubt);
  let plain = !parents && copy.heredocs.length === 0;
  for (const source of sources) {
    const matches = parents ? expandParentsSource(machine.context, source) : expandCopySource(machine.context, source);
    if (matches === undefined) {
      place(directory, mergeLayer(`parents ${source}:${owner}`), true);
      continue;
    }
    if (copy.keyword === 'ADD' && isMerged(machine, source)) {
      plain = false;
      place(directory, mergeLayer(`${source}:${owner}`), true);
      continue;
    }
    const wildcard = /[*?[\\]/.test(source);
    const pattern = resolvePath('/', source).slice(1) || '.';
    if (matches.length === 0 && !wildcard) {
      machine.mayFail.add(`copy of ${source}, which may be missing`);
      const file = looksLikeFile(source);
      const isAbsent = machine.context.known && !machine.context.may(pattern);
      const target = file && into ? join(directory, baseName(pattern)) : directory;
      if (target !== directory && !SURE_FILE.test(source))
        place(directory, mergeLayer(`either:${pattern}:${owner}`), true);
      place(
        target,
        isAbsent
          ? mergeLayer(`missing:${source}:${owner}`)
          : file
            ? brought(pattern, contextLayer(machine.context, pattern, owner, maker))
            : mergeLayer(`c:${pattern}:${owner}`),
        !file,
      );
      // One that git ignores, such as a secret, is where it says if it is anywhere.
      if (file && machine.context.known && !isAbsent) placements.push({ source: pattern, target, directory: false });
      else plain = false;
      continue;
    }
    for (const path of matches) {
      const kind = machine.context.kind(path);
      // It is followed (rule 31), so that what it leads to comes, which may be a directory, or nothing.
      if (kind === 'symlink') machine.mayFail.add(`copy of ${path}, which may be missing`);
      if (kind === 'symlink' && !SURE_FILE.test(path)) {
        plain = false;
        place(directory, mergeLayer(`followed:${path}:${owner}`), machine.isLinked(directory));
        if (!into || !looksLikeFile(path)) continue;
      }
      const isDirectory = kind === 'directory';
      const top = parents ? join(directory, afterPivot(source, path)) : directory;
      const target = parents || isDirectory || !(into || matches.length > 1) ? top : join(directory, baseName(path));
      place(target, brought(path, contextLayer(machine.context, path, owner, maker)), isDirectory);
      placements.push({ source: path, target, directory: isDirectory });
      if (isDirectory) addPlaced(machine, target, path);
    }
    if (wildcard) {
      const slash = pattern.lastIndexOf('/');
      const inside = slash < 0 ? '.' : pattern.slice(0, slash);
      if (/[*?[\\]/.test(inside)) continue;
      const layer = wildcardLayer(machine.context, inside, pattern.slice(slash + 1), owner, maker, goMatch);
      place(directory, brought(inside, layer), true, !isSure);
    }
  }
  // They come after the files (`dispatchCopy` of BuildKit: SourcePaths, then SourceContents).
  for (const heredoc of copy.heredocs) {
    const text = machine.file.source.slice(...heredoc.body);
    const symbol = machine.symbols.of(
      'heredoc',
      heredoc.stripTabs ? '-' : '',
      text,
      owner,
      heredoc.quoted ? '' : machine.environment.value(),
    );
    place(into ? join(directory, heredoc.name) : directory, valueLayer(symbol, 'made'), false);
  }
  return plain ? { placements } : {};
}

/** What ADD fetches or unpacks: nothing tells which files it brings. */
function isMerged(machine: Machine, source: string): boolean {
  if (/:\/\/|^git@/.test(source) || mayUnpack(machine, source)) return true;
  return expandCopySource(machine.context, source).some((path) => mayUnpack(machine, path));
}

/** An archive, which BuildKit tells by what is in it: of a file that is no text, by its name. */
function mayUnpack(machine: Machine, path: string): boolean {
  if (ARCHIVE.test(path)) return true;
  return machine.context.kind(path) === 'file' && machine.context.read(path) === undefined && !NO_ARCHIVE.test(path);
}

/** Whose a directory is once a copy of `maker`'s goes to it: one that is there stays whose it was (rule 29). */
function ownerOf(machine: Machine, directory: string, maker: string): string {
  return machine.image.isDirectory(directory)
    ? machine.image.maker(directory)
    : machine.image.ownerMade(directory, maker);
}

/** What was copied to a stage at or below this path is here, too. */
function addPlacedOf(machine: Machine, stage: StageTrace | undefined, path: string, target: string): void {
  for (const [place, sources] of stage?.placed ?? [])
    for (const source of within(place, path) ? sources : [])
      addPlaced(machine, join(target, place.slice(path.length).replace(/^\//, '')), source);
}

function addPlaced(machine: Machine, target: string, source: string): void {
  machine.placed.set(target, new Set(machine.placed.get(target)).add(source));
}

/** What a wildcard or a variable stands for in another stage: files by such a name, otherwise it may be anything. */
function fromPattern(machine: Machine, copy: Copy, source: string, image: Image | undefined, owner: string): Layer {
  const path = resolvePath('/', source);
  const inside = parentPath(path);
  if (image !== undefined && !/[*?[\\$]/.test(inside) && !path.includes('$') && looksLikeFile(source))
    return stageWildcardLayer(image, inside, baseName(path), owner, goMatch);
  return mergeLayer(`${copy.from ?? ''}:${path}${machine.used(source)}:${owner}:${image?.valueOf('/') ?? ''}`);
}

/** In a directory shared with the system, it lies among the project's own entries alone. */
function isOwn(machine: Machine, copy: Copy, target: string, isDirectory: boolean): boolean {
  if (!isShared(target) || !isDirectory || copy.from !== undefined || machine.aliased) return false;
  const { sources } = copy;
  const isKnown = ({ value = '' }: Word): boolean =>
    looksLikeFile(value) || expandCopySource(machine.context, value).length > 0;
  if (!sources.every(isKnown)) return false;
  if (copy.keyword === 'ADD' && sources.some(({ value = '' }) => isMerged(machine, value))) return false;
  const names = sources.flatMap((source) =>
    expandCopySource(machine.context, source.value ?? '').flatMap((path) => {
      if (machine.context.kind(path) !== 'directory') return [baseName(path)];
      // Of what git ignores, settings alone: somebody's `lib` beside a Dockerfile that copies to `/` is left out.
      const below = path === '.' ? '' : `${path}/`;
      return [...machine.context.entries(path), ...HOME_FILES.filter((name) => machine.context.may(below + name))];
    }),
  );
  return !names.some((name) => collides(target, name));
}

/** What it brings is not known, or just where below some directory: it may bring anything there. */
function copyUnknown(machine: Machine, copy: Copy, maker: string): void {
  const text = copy.destination?.value ?? /^[^$*?[]*\//.exec(copy.destination?.text ?? '')?.[0];
  const key = `${machine.textOf(copy)} ${machine.flagText(copy)} ${machine.environment.value()} ${copy.state.workdir}`;
  if (text === undefined) {
    machine.image.writeAll(machine.symbols.of('copy', key, machine.image.valueOf('/')), [], true);
    return;
  }
  const directory = resolvePath(copy.state.workdir, text);
  machine.image.makeDirectory(directory, maker);
  machine.image.write(directory, mergeLayer(key));
  if (copy.from !== undefined) return;
  // It may be any directory with a link in it.
  const linked = foldersWithLinks(machine.context);
  if (linked.size > 0) machine.placed.set(directory, new Set([...(machine.placed.get(directory) ?? []), ...linked]));
}
