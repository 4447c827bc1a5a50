/** One of a few, as a list that drops down. */
import { useId } from 'preact/hooks';
import './Choice.css';

interface ChoiceProps<T extends string> {
  label: string;
  options: readonly { value: T; label: string }[];
  chosen: T;
  choose: (value: T) => void;
}

export function Choice<T extends string>({ label, options, chosen, choose }: ChoiceProps<T>) {
  const id = useId();
  const picked = (value: string) => {
    const option = options.find((one) => one.value === value);
    if (option) choose(option.value);
  };
  return (
    <div class="choice">
      <label class="choice__label" for={id}>
        {label}
      </label>
      <select class="devices__select" id={id} value={chosen} onChange={(event) => picked(event.currentTarget.value)}>
        {options.map(({ value, label: name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
