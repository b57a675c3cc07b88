import { useState } from 'preact/hooks';
import type { AssetModels } from '../../gateway/model-control.ts';
import type { StoredModel } from '../../gateway/model-store.ts';
import { mayAct } from '../../server/access/roles.ts';
import { post } from '../api.ts';
import { duration, leaf, number, percent, when } from '../format.ts';
import { reader, t } from '../language.ts';
import { WideTable } from '../parts/wide-table.tsx';
import { href } from '../router.ts';
import { doingSentence, learningSentence } from '../sentences.ts';
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
            {lesson !== undefined && <p>{learningSentence(lesson, reader())}</p>}
            {lesson?.progress && (
              <p>
                <progress
                  max={lesson.progress.of}
                  value={lesson.progress.done}
                  aria-label={doingSentence(lesson.progress.doing, reader())}
                />
                {lesson.progress.leftMs !== null && ` ${t('models.left', { time: duration(lesson.progress.leftMs) })}`}
              </p>
            )}
            <WideTable label={t('models.of', { asset })} isCards>
              <thead>
                <tr>
                  <th scope="col">{t('models.version')}</th>
                  <th scope="col">{t('models.role')}</th>
                  <th scope="col">{t('models.span')}</th>
                  <th scope="col">{t('models.limit')}</th>
                  <th scope="col">{t('models.selfTest')}</th>
                  <th scope="col">{t('models.precision')}</th>
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
                      <th scope="row">{isOfTime(model.version) ? when(Date.parse(model.createdAt)) : model.version}</th>
                      <ModelFacts model={model} role={role} />
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
            </WideTable>
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

/** The last part of a version that an asset learnt by itself is the second in which it did. */
const isOfTime = (version: string): boolean => Number(version.split('.')[2]) > 1e9;

/** What is known of a model: role, what it was learnt from, its limit, what it sees, what rounding costs. */
function ModelFacts({ model, role }: { readonly model: StoredModel; readonly role: 'active' | 'candidate' | 'previous' | 'stored' }) {
  const { version, precision, rows, fromMs, toMs, limit, largestHealthy, calibratedOn, selfTest, measured } = model;
  return (
    <>
      <td data-label={t('models.role')}>
        <span>
          <span class={`badge ${role === 'active' ? 'good' : role === 'candidate' ? 'connecting' : ''}`}>{t(`role.${role}`)}</span>
          {isOfTime(version) && <small>{version}</small>}
        </span>
      </td>
      <td data-label={t('models.span')}>
        <span>
          {fromMs === null || toMs === null ? '–' : `${when(fromMs)} – ${when(toMs)}`}
          <small>{t('models.rows', { rows })}</small>
        </span>
      </td>
      <td data-label={t('models.limit')}>
        <span>
          {number(limit)}
          <small>{t('models.healthy', { ratio: percent(largestHealthy, 0), count: calibratedOn })}</small>
        </span>
      </td>
      <td data-label={t('models.selfTest')}>
        {selfTest === null ? (
          '–'
        ) : (
          <span>
            {t('models.sees', { share: percent(selfTest.share, 0) })}
            {selfTest.blind.length > 0 && <small class="bad">{t('models.blind', { names: selfTest.blind.map(leaf).join(', ') })}</small>}
          </span>
        )}
      </td>
      <td data-label={t('models.precision')}>
        <span>
          {precision}
          {measured?.map(({ precision: one, sameVerdict, loss }) => (
            <small key={one}>
              {t('models.measured', { precision: one, same: percent(sameVerdict, 2), loss: reader().number(100 * loss, 2) })}
            </small>
          ))}
        </span>
      </td>
    </>
  );
}
