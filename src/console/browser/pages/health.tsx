import { health } from '../api.js';
import { moment } from '../format.js';
import { Problem, useLoaded } from '../parts.js';

/** Times are shown in the reader's time zone, as on the other pages. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** The state of databases, NATS, endpoints, limits and memory, as the daemon reports it. */
export function HealthPage() {
  const { value, error } = useLoaded(health, '', 2000);
  return (
    <article>
      <h1>Health</h1>
      {error !== undefined && <Problem>{error}</Problem>}
      <div class="columns">
        {(value ?? []).map(({ title, items }) => (
          <section key={title} class="card">
            <h2>{title}</h2>
            <table class="pairs">
              <tbody>
                {items.map((item, i) => (
                  <tr key={`${item.name} ${i}`} class={item.level}>
                    <th scope="row">{item.name}</th>
                    <td>
                      {ISO_TIME.test(item.value) ? moment(item.value) : item.value}
                      {item.detail !== undefined && <small>{item.detail}</small>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        ))}
      </div>
    </article>
  );
}
