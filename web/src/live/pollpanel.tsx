/** Questions to all in a live session, with the result as it comes in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { PollState } from "../gen/rushes/signaling/v1/room_service_pb";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import type { Live } from "./live";
import { optionsOf, resultOf } from "./polls";

const SHOWN = 3;

/** Those that are open and the last that is over; nothing while there is none. */
export function PollList({ live, personId }: { live: Live; personId: string }): JSX.Element | null {
  const all = [...live.polls.value.values()].reverse();
  const open = all.filter(({ poll }) => !poll?.closed);
  const shown = [...open, ...all.filter(({ poll }) => poll?.closed).slice(0, 1)].slice(0, SHOWN);
  if (shown.length === 0) return null;
  return (
    <div class="polls">
      {shown.map((state) => (
        <PollCard key={state.poll?.pollId} live={live} state={state} personId={personId} />
      ))}
    </div>
  );
}

function PollCard({ live, state, personId }: { live: Live; state: PollState; personId: string }): JSX.Element | null {
  const { poll, votes } = state;
  if (!poll) return null;
  const result = resultOf(state);
  const mine = votes.find((vote) => vote.personId === personId)?.option;
  const mayEnd = !poll.closed && (poll.participantId === live.me.value || live.myself.value?.moderates);
  const choose = (option: number): void => void live.ask({ case: "vote", value: { pollId: poll.pollId, option } });
  return (
    <section class="poll" aria-label={poll.question} data-testid="poll" data-closed={poll.closed}>
      <strong>{poll.question}</strong>
      {poll.options.map((option, at) => (
        <button
          key={option}
          type="button"
          class="option"
          disabled={poll.closed}
          aria-pressed={mine === at}
          style={{ "--share": votes.length > 0 ? (result[at] ?? 0) / votes.length : 0 }}
          onClick={() => choose(at)}
        >
          <span class="grow">{option}</span>
          <span class="mono">{result[at]}</span>
        </button>
      ))}
      <div class="row">
        <span class="faint grow">{poll.closed ? t("poll.over") : count("poll.votes", votes.length)}</span>
        {mayEnd && (
          <Button small look="quiet" label={t("poll.end")} onClick={() => void live.ask({ case: "closePoll", value: poll.pollId })}>
            {t("poll.end")}
          </Button>
        )}
      </div>
    </section>
  );
}

/** The form for a new one. */
export function PollForm({ live, close }: { live: Live; close: () => void }): JSX.Element {
  const [question, setQuestion] = useState("");
  const [answers, setAnswers] = useState("");
  const { options, sound } = optionsOf(answers);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await live.ask({ case: "poll", value: { question: question.trim(), options } })) close();
  };
  return (
    <form class="panel-form" aria-label={t("poll.ask")} onSubmit={(event) => void ask(event)}>
      <input value={question} maxLength={300} aria-label={t("poll.question")} placeholder={t("poll.question")} onInput={(event) => setQuestion(event.currentTarget.value)} />
      <textarea rows={3} value={answers} aria-label={t("poll.answers")} placeholder={t("poll.answers")} onInput={(event) => setAnswers(event.currentTarget.value)} />
      <div class="row">
        <Button small type="submit" look="primary" disabled={!sound || question.trim() === ""} label={t("poll.send")}>
          {t("poll.send")}
        </Button>
        <Button small look="quiet" label={t("ui.cancel")} onClick={close}>
          {t("ui.cancel")}
        </Button>
      </div>
    </form>
  );
}
