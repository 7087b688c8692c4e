// Command lenet trains the LeNet of a 2020 lab report on MNIST, through libtorch.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"lenet/dataset"
	"lenet/export"
	"lenet/option"
	"lenet/train"
)

// version is set when linking.
var version = "unknown"

type commands struct {
	Train   trainCommand     `cmd:"" help:"Train, and leave weights and metrics in a run folder."`
	Tune    tuneCommand      `cmd:"" help:"Sweep learning rates, batch sizes, optimizers, activations, seeds; validation chooses."`
	Eval    evalCommand      `cmd:"" help:"Measure a trained network on the test set: loss, accuracy, confusion, calibration, worst mistakes."`
	Predict predictCommand   `cmd:"" help:"Classify test images, or your own pictures, with a trained network."`
	Report  reportCommand    `cmd:"" help:"Write runs and sweeps as one HTML page."`
	Serve   serveCommand     `cmd:"" help:"Show runs as they train, in a browser; read digits that are drawn there, and pictures that programs send."`
	Export  exportCommand    `cmd:"" help:"Write a trained network as a file that other programs run."`
	Fetch   fetchCommand     `cmd:"" help:"Download a data set into the cache."`
	Info    infoCommand      `cmd:"" help:"Versions, devices, threads."`
	Version kong.VersionFlag `help:"Print the version."`
}

// Exit codes. A signal adds its number to 128, as the shell does.
const (
	exitFailure = 1
	exitUsage   = 2
	exitSignal  = 128
)

// gcPercent is how much the Go heap may grow before it is collected. Little is on it, and a step leaves less than 1 kB: this keeps the
// process from growing through its first ten epochs, at a collection every few hundred steps.
const gcPercent = 10

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(execute(os.Args[1:], untilSignal))
}

// execute does what the command line says, in a context that begins once it is understood, and returns the exit code.
func execute(args []string, begin func() context.Context) int {
	command, err := newParser(new(commands)).Parse(args)
	if err != nil {
		notice(message(err) + "; see lenet --help")
		return exitUsage
	}
	ctx := dataset.WithProgress(begin(), downloadProgress())
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		notice(message(err))
		return exitCode(ctx, err)
	}
	return 0
}

// newParser returns the parser of the command line.
func newParser(c *commands) *kong.Kong {
	return kong.Must(c,
		kong.Name("lenet"),
		kong.Description("Trains the LeNet of a 2020 lab report on MNIST, through libtorch."),
		option.Join(train.Names, export.Names).Vars(),
		kong.Vars{"version": version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Resolvers(kong.ResolverFunc(fromRecipe), kong.ResolverFunc(c.Train.fromConfig)),
		kong.ValueFormatter(helpWithDefault))
}

func helpWithDefault(value *kong.Value) string {
	if value.HasDefault && value.Default != "0" {
		return value.Help + " Default " + value.Default + "."
	}
	return value.Help
}

func exitCode(ctx context.Context, err error) int {
	var usage *option.Error
	var stopped signalError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(context.Cause(ctx), &stopped) && errors.Is(err, context.Cause(ctx)):
		return exitSignal + int(stopped.signal)
	}
	return exitFailure
}

// A signalError is why the program's context ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return "stopped by " + unix.SignalName(e.signal) }

// untilSignal returns a context that the first SIGINT, SIGTERM or SIGHUP ends. A second SIGINT or SIGTERM ends the process. A second SIGHUP does not: the
// kernel and a shell may each send one when a terminal is closed. A SIGHUP that is ignored, as nohup has it, stays so.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		s := <-signals
		signal.Reset(syscall.SIGINT, syscall.SIGTERM)
		cancel(signalError{s.(syscall.Signal)})
	}()
	return ctx
}

// notice prints a message on standard error.
func notice(line string) { fmt.Fprintln(os.Stderr, "lenet:", line) }
