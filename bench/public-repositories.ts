/** Public repositories, cloned at one commit: those that docs/verified.md tells of, and any other. */
import { execFileSync } from 'node:child_process';
import { basename, dirname } from 'node:path';

/** Of docs/verified.md, as `targetOf` reads them. The page says which of them do not build as they are. */
export const REPOSITORIES: readonly string[] = [
  '0-0llk/docker-multi-sample@96ddacda2c952283b7324eb4db87d9ab5f0791cd:backend/Dockerfile',
  '0-EWT-0/MiniCRM_Client@ce121cf10bc9abba2fd722c028998e4db54e9439',
  '00000aUi00000/dbprak8@5ac3c7e656bea818ec5633e0a7615df38960016e:backend/Dockerfile',
  '001418/projet-flask-react-jwt@f4d7920f3e82350322afb0c368dbb8c3d7b2c0dd:frontend/Dockerfile',
  '007MrNiko/Useriko@2116d15ed5afac980d788950d1e68b3ecf324152:frontend/Dockerfile',
  '009os/naive-nestjs-scaling-setup@828cfe0a97ce3a86c90d98587baf9d22421a89c8:app/Dockerfile',
  '00nx8/chores@f3c1de57ab5ffc09b1504dcfef993dc483dd6761:frontend/Dockerfile',
  '02loveslollipop/OpenMetaSIATA@5e175fb0add35a43407c5e9d6cb57975010e73f7:api/Dockerfile',
  '0kate/space-bangbang-v2@143ba2b5d266c4701e673b2bb08403df0f684ad9:client/Dockerfile',
  '0xBcamp/jm-audit-bot@d623e81fe44858906b0d7a58235e4a1fd28fa909:frontend/Dockerfile',
  '10hourlabs/python-flask-takehome@9ec3908301bdcb26f552e7d41d26ef9b341ae88d:web/Dockerfile',
  'Borrelhapje/legion-roller@8c0f4b5441f02932e03e2acab988871a350a88ef',
  'IonutMindrescu/obd-tracker@f5fceb45a33a5bd48fec33333ab4b4412aca8447:docker/Dockerfile',
  'JoaoEduardo10/desafio2@d93b7bd12e531a4d94da23bbdb2b79a23a073358:dockerfile',
  'RNCAT/Benz-Bot@bdd7eed89c9e5876af1b0fbc8d24ecf21169190d',
  'SashaaDev/my-market@1d617f0836cb9015213b39f29382082d12f2b5c3:server/Dockerfile',
  'Sashakil12/complex-app@a5f125a83e757e844fac130a90d72829ea2eea30:server/Dockerfile',
  'SatcherInstitute/health-equity-tracker@2a2fe82c0a0eb1f34080f16573287b4df97f6a00:exporter/Dockerfile',
  'Satish9047/book-sharing-website@9fa5ac31ac58a8f6c5c70ef53d973a9ed75c09c1:client/dockerfile',
  'The-Tech-Den/React2Remove@ecf566d6b072a1c5159e55111d31cca0ef813bd8',
  'devfire/iot-middleware@d35f1201fa760e69ba2874c48510832c8b0f75a9',
  'iamshishirgaire/y_api@c85ab4d02d0be5fe2dfa35c02f7a84c844febb7d',
  'lunaticriz/new-express-jest-cicd@f388b89f87e29bd729d8c8338a5f5706747564ba',
  'prashantgupta24/firewalld-rest@114802311372c010bd7b4f8cf7652438347949df',
  'thomseddon/traefik-forward-auth@26e7995ea14fd719bb2fcc8f90be53629bef77e2',
];

export interface Target {
  /** OWNER/NAME */
  readonly name: string;
  /** Where to clone it from; absent: `directory` is a checkout. */
  readonly url?: string;
  readonly directory?: string;
  /** Absent: what its default branch has, or what is checked out. */
  readonly commit?: string;
  readonly dockerfile: string;
}

/** `OWNER/NAME` (of GitHub), a URL or a checkout, then `@COMMIT` in full and `:DOCKERFILE` where they are wanted. */
export function targetOf(word: string, isDirectory: (path: string) => boolean): Target {
  const [, where = '', commit, dockerfile = 'Dockerfile'] =
    /^((?:\w+:\/\/[^/]*)?[^:]*?)(?:@([0-9a-f]{40}))?(?::([^:]+))?$/.exec(word) ?? [];
  if (where === '') throw new Error(`\`${word}\` is neither a repository nor a checkout`);
  const name = basename(where, '.git');
  // A checkout's directory is called OWNER+NAME.
  if (commit === undefined && isDirectory(where)) return { name: name.replace('+', '/'), directory: where, dockerfile };
  return {
    name: `${basename(dirname(where))}/${name}`,
    url: where.includes('://') ? where : `https://github.com/${where}.git`,
    ...(commit === undefined ? {} : { commit }),
    dockerfile,
  };
}

/** Brings this one commit into a new directory. */
export function cloneInto(directory: string, { url = '', commit = 'HEAD' }: Target): void {
  const git = (...argv: readonly string[]): void => {
    execFileSync('git', ['-C', directory, '-c', 'core.hooksPath=/dev/null', ...argv], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
    });
  };
  git('init', '--quiet');
  git('fetch', '--quiet', '--depth', '1', '--no-tags', url, commit);
  git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
}
