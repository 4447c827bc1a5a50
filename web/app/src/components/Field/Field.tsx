/** A labelled text field, with what is wrong with it said below. */
import { useId } from 'preact/hooks';
import './Field.css';

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password';
  placeholder?: string;
  hint?: string;
  error?: string | undefined;
  maxLength?: number;
  autoFocus?: boolean;
  autoComplete?: string;
}

export function Field(props: FieldProps) {
  const { label, value, onInput, type = 'text', placeholder, hint, error, maxLength, autoFocus, autoComplete } = props;
  const id = useId();
  const notes = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label class="field__label" for={id}>
        {label}
      </label>
      <input
        class="field__input"
        id={id}
        type={type as 'text'} // the types of the two differ in roles that neither is given
        value={value}
        placeholder={placeholder}
        maxLength={maxLength}
        autoFocus={autoFocus}
        autoComplete={autoComplete ?? 'off'}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={notes || undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {error && (
        <p class="field__note field__note--bad" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {hint && (
        <p class="field__note" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
