// Vaultd is HashiCorp Vault as the tests run it: the real core, engines and logins, built from
// Vault's own modules, without its command line.
//
// It prints one line, "listening on <url>", once it takes requests. It comes up neither
// initialised nor unsealed: that is left to whoever started it, over the API.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	kubeauth "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	awsauth "github.com/hashicorp/vault/builtin/credential/aws"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/database"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

type options struct {
	listen, storage   string
	certificate, key  string
	lease, leaseLimit time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	flag.StringVar(&o.storage, "storage", "", "folder that keeps the data; in memory if none is given")
	flag.StringVar(&o.certificate, "tls-cert", "", "certificate in PEM; with -tls-key, the listener speaks TLS and asks for a client certificate")
	flag.StringVar(&o.key, "tls-key", "", "key of the certificate in PEM")
	flag.DurationVar(&o.lease, "default-lease-ttl", 768*time.Hour, "lease of a token or secret that asks for none")
	flag.DurationVar(&o.leaseLimit, "max-lease-ttl", 768*time.Hour, "longest lease")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "vaultd:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	if o.certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return err
		}
		url = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{pair},
			ClientAuth:   tls.RequestClientCert,
			NextProtos:   []string{"h2", "http/1.1"},
		})
	}
	logger := hclog.New(&hclog.LoggerOptions{Name: "vaultd", Level: hclog.Warn, Output: os.Stderr})
	store, err := storage(o.storage, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        store,
		Logger:          logger,
		DisableMlock:    true,
		RedirectAddr:    url,
		BuiltinRegistry: registry{},
		LogicalBackends: map[string]logical.Factory{
			"kv":       kv.Factory,
			"database": database.Factory,
		},
		CredentialBackends: map[string]logical.Factory{
			"approle":    approle.Factory,
			"aws":        awsauth.Factory,
			"cert":       cert.Factory,
			"jwt":        jwtauth.Factory,
			"kubernetes": kubeauth.Factory,
			"userpass":   userpass.Factory,
		},
		DefaultLeaseTTL: o.lease,
		MaxLeaseTTL:     o.leaseLimit,
	})
	if err != nil {
		return err
	}
	// One unsealed before from the same folder stays sealed until somebody unseals it.
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Address: listener.Addr().String()},
	})
	fmt.Println("listening on", url)
	return http.Serve(listener, handler)
}

func storage(folder string, logger hclog.Logger) (physical.Backend, error) {
	if folder == "" {
		return inmem.NewInmem(nil, logger)
	}
	return file.NewFileBackend(map[string]string{"path": folder}, logger)
}

// registry knows the one plugin that is looked up by name: databases name theirs.
type registry struct{}

const postgres = "postgresql-database-plugin"

func (registry) Contains(name string, kind consts.PluginType) bool {
	return name == postgres && kind == consts.PluginTypeDatabase
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	if !r.Contains(name, kind) {
		return nil, false
	}
	return postgresql.New, true
}

func (registry) Keys(kind consts.PluginType) []string {
	if kind == consts.PluginTypeDatabase {
		return []string{postgres}
	}
	return nil
}

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
