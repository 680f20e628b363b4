package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// credentials of one instance, made anew at every start. All are files of the folder
// `pki`, readable by their owner only.
type credentials struct {
	ca                string // certificate of the authority, for clients
	clientCA          string // authorities of clients' certificates, as which a test may put others at any time
	servingCert       string
	servingKey        string
	serviceAccountKey string // signs and, being a key pair, also verifies
	tokens            string // the API server's list of tokens
	adminToken        string
	kubeconfigs       map[string]string // by user
}

// user is one who may call the API server.
type user struct {
	name   string // and of the kubeconfig file
	login  string
	groups []string
}

const admin = "admin"

// Controllers and scheduler get their rights from the roles that the API server
// brings. There is no such role for kwok, which acts for all kubelets at once.
var users = []user{
	{admin, "gitmoor:admin", []string{"system:masters"}},
	{"kube-controller-manager", "system:kube-controller-manager", nil},
	{"kube-scheduler", "system:kube-scheduler", nil},
	{"kwok", "gitmoor:kwok", []string{"system:masters"}},
}

func makeCredentials(folder instanceFolder, server string) (*credentials, error) {
	if err := os.MkdirAll(folder.path("pki"), 0o700); err != nil {
		return nil, err
	}
	c := &credentials{
		ca:                folder.path("pki", "ca.crt"),
		clientCA:          folder.path("pki", "client-ca.crt"),
		servingCert:       folder.path("pki", "apiserver.crt"),
		servingKey:        folder.path("pki", "apiserver.key"),
		serviceAccountKey: folder.path("pki", "service-account.key"),
		tokens:            folder.path("pki", "tokens.csv"),
		kubeconfigs:       map[string]string{},
	}
	caPEM, err := c.makeCertificates(folder)
	if err != nil {
		return nil, fmt.Errorf("failed to make certificates: %w", err)
	}
	var tokens strings.Builder
	for _, user := range users {
		token := randomToken()
		if user.name == admin {
			c.adminToken = token
		}
		fmt.Fprintf(&tokens, "%s,%s,%s", token, user.login, user.login)
		if user.groups != nil {
			fmt.Fprintf(&tokens, ",%q", strings.Join(user.groups, ","))
		}
		tokens.WriteByte('\n')
		path := folder.path(user.name + ".kubeconfig")
		if err := folder.write(user.name+".kubeconfig", kubeconfig(server, caPEM, user.name, token)); err != nil {
			return nil, err
		}
		c.kubeconfigs[user.name] = path
	}
	return c, folder.write("pki/tokens.csv", tokens.String())
}

// makeCertificates makes an authority, which signs one certificate and is forgotten,
// that certificate, and the key for the tokens of service accounts.
func (c *credentials) makeCertificates(folder instanceFolder) (caPEM []byte, err error) {
	caKey, _, err := newKey()
	if err != nil {
		return nil, err
	}
	authority := certificate("gitmoor-control-plane", 1)
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	caPEM, err = sign(authority, authority, caKey, caKey)
	if err != nil {
		return nil, err
	}

	servingKey, servingKeyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	serving := certificate("kube-apiserver", 2)
	serving.KeyUsage = x509.KeyUsageDigitalSignature
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	serving.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	servingPEM, err := sign(serving, authority, servingKey, caKey)
	if err != nil {
		return nil, err
	}

	_, serviceAccountPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		"pki/ca.crt":              caPEM,
		"pki/client-ca.crt":       caPEM,
		"pki/apiserver.crt":       servingPEM,
		"pki/apiserver.key":       servingKeyPEM,
		"pki/service-account.key": serviceAccountPEM,
	} {
		if err := folder.write(name, string(content)); err != nil {
			return nil, err
		}
	}
	return caPEM, nil
}

func certificate(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func sign(subject, issuer *x509.Certificate, subjectKey, issuerKey *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, subject, issuer, &subjectKey.PublicKey, issuerKey)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func randomToken() string {
	token := make([]byte, 24)
	rand.Read(token) // never fails
	return hex.EncodeToString(token)
}
