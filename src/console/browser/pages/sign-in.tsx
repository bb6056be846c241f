import { useState } from 'preact/hooks';
import { signIn } from '../api.js';
import { Problem, reasonOf } from '../parts.js';

/** The form for name and password. */
export function SignIn({ onDone }: { readonly onDone: () => void }) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await signIn(user, password);
      onDone();
    } catch (error) {
      setProblem(reasonOf(error));
    }
  };
  return (
    <main class="sign-in">
      <h1>switchyard</h1>
      <form onSubmit={submit} class="stack">
        <label>
          Name
          <input value={user} autocomplete="username" required onInput={(e) => setUser(e.currentTarget.value)} />
        </label>
        <label>
          Password
          <input
            type="password"
            value={password}
            autocomplete="current-password"
            required
            onInput={(e) => setPassword(e.currentTarget.value)}
          />
        </label>
        {problem !== undefined && <Problem>{problem}</Problem>}
        <button type="submit" class="main">
          Sign in
        </button>
      </form>
    </main>
  );
}
