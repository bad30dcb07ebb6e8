/** Shows a fault of the page itself, instead of nothing at all. */
import { Alert, AlertTitle, Box, Button } from "@mui/material";
import { Component, type ReactNode } from "react";

interface Props {
  readonly children: ReactNode;
  /** Another one begins anew: what failed in one view need not fail in the next. */
  readonly resetKey: string;
}

interface State {
  readonly fault?: Error | undefined;
  readonly resetKey: string;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { resetKey: this.props.resetKey };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { fault: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps({ resetKey }: Props, state: State): Partial<State> | null {
    return resetKey === state.resetKey ? null : { resetKey, fault: undefined };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === undefined) return this.props.children;
    const retry = (): void => {
      this.setState({ fault: undefined });
    };
    return (
      <Box sx={{ p: 3 }}>
        <Alert severity="error" action={<Button onClick={retry}>Try again</Button>}>
          <AlertTitle>This view has failed</AlertTitle>
          {fault.message}
        </Alert>
      </Box>
    );
  }
}
