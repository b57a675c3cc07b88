import { useState } from 'preact/hooks';
import type { AssetModels } from '../../gateway/model-control.ts';
import { mayAct } from '../../server/access/roles.ts';
import { post } from '../api.ts';
import { duration, percent, when } from '../format.ts';
import { type Text, t } from '../language.ts';
import { href } from '../router.ts';
import { learning, session, tell } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

/** What judges each machine, what was learnt, and what waits for a person. */
export function Models() {
  const { data, again } = useFetched<readonly AssetModels[]>('/models', 10_000);
  const [isBusy, setBusy] = useState(false);
  const may = session.value !== null && session.value !== undefined && mayAct(session.value.role, 'engineer');
  const run = async (path: string, body: object): Promise<void> => {
    setBusy(true);
    try {
      await post(`/models/${path}`, body);
      again();
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <h1>{t('nav.models')}</h1>
      {data === undefined ? <p>{t('loading')}</p> : data.length === 0 && <p>{t('models.none')}</p>}
      {data?.map(({ asset, learns, inForce, candidate, stored }) => {
        const lesson = learning.value[asset];
        return (
          <section key={asset} class="card" aria-labelledby={`model-${asset}`}>
            <h2 id={`model-${asset}`}>
              <a href={href('assets', asset.replace(/@.*/, ''))}>{asset}</a>
            </h2>
            {lesson !== undefined && (
              <p>
                {t(`stage.${lesson.stage}` as Text)}: {lesson.text}
              </p>
            )}
            {lesson?.progress && (
              <p>
                <progress max={lesson.progress.of} value={lesson.progress.done} aria-label={lesson.progress.doing} />{' '}
                {lesson.progress.doing}
                {lesson.progress.leftMs !== null && ` · ${t('models.left', { time: duration(lesson.progress.leftMs) })}`}
              </p>
            )}
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t('models.version')}</th>
                    <th scope="col">{t('models.precision')}</th>
                    <th scope="col">{t('models.span')}</th>
                    <th scope="col">{t('models.measured')}</th>
                    <th scope="col">{t('models.role')}</th>
                    <th scope="col">
                      <span class="only-read">{t('models.actions')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {stored.map((model) => {
                    const role =
                      model.bundle === inForce?.bundle
                        ? 'active'
                        : model.bundle === candidate?.bundle
                          ? 'candidate'
                          : model.bundle === inForce?.previous
                            ? 'previous'
                            : 'stored';
                    return (
                      <tr key={model.bundle} class={role}>
                        <th scope="row">{model.version}</th>
                        <td>{model.precision}</td>
                        <td>
                          {model.fromMs === null || model.toMs === null ? '–' : `${when(model.fromMs)} – ${when(model.toMs)}`}
                          <small>{t('models.rows', { rows: model.rows })}</small>
                        </td>
                        <td>
                          {model.measured?.map(({ precision, loss }) => (
                            <small key={precision}>
                              {precision}: {percent(loss)}
                            </small>
                          )) ?? '–'}
                        </td>
                        <td>
                          <span class={`badge ${role === 'active' ? 'good' : role === 'candidate' ? 'connecting' : ''}`}>
                            {t(`role.${role}` as Text)}
                          </span>
                        </td>
                        <td class="actions">
                          {may && role === 'candidate' && (
                            <>
                              <button type="button" class="primary" disabled={isBusy} onClick={() => void run('promote', { asset })}>
                                {t('models.promote')}
                              </button>
                              <button type="button" disabled={isBusy} onClick={() => void run('discard', { asset })}>
                                {t('models.discard')}
                              </button>
                            </>
                          )}
                          {may && learns && (role === 'stored' || role === 'previous') && (
                            <button type="button" disabled={isBusy} onClick={() => void run('use', { asset, version: model.version })}>
                              {t('models.use')}
                            </button>
                          )}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
            {may && learns && (
              <div class="actions">
                {lesson?.progress ? (
                  <button type="button" disabled={isBusy} onClick={() => void run('cancel', { asset })}>
                    {t('models.cancel')}
                  </button>
                ) : (
                  <button type="button" disabled={isBusy} onClick={() => void run('learn', { asset })}>
                    {t('models.learn')}
                  </button>
                )}
              </div>
            )}
          </section>
        );
      })}
    </>
  );
}
