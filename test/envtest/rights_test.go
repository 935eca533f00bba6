package envtest

import (
	"context"
	"net/http"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const operatorUser = "the-operator"

// right is a verb on a resource of a group.
type right struct {
	group, resource, verb string
}

// used are the rights that operators have made use of so far.
var used = struct {
	sync.Mutex
	rights sets.Set[right]
}{rights: sets.New[right]()}

func noteRight(req *http.Request) {
	resolver := request.RequestInfoFactory{
		APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api"),
	}
	info, err := resolver.NewRequestInfo(req)
	if err != nil || !info.IsResourceRequest {
		return
	}
	resource := info.Resource
	if info.Subresource != "" {
		resource += "/" + info.Subresource
	}
	used.Lock()
	defer used.Unlock()
	used.rights.Insert(right{info.APIGroup, resource, info.Verb})
}

// newOperatorUser makes a user with the rights that config/rbac gives the operator.
func newOperatorUser(plane *envtest.Environment) *rest.Config {
	GinkgoHelper()
	user, err := plane.AddUser(envtest.User{Name: operatorUser}, nil)
	Expect(err).NotTo(HaveOccurred())
	role := clusterRole()
	Expect(direct.Create(context.Background(), role)).To(Succeed())
	Expect(direct.Create(context.Background(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: operatorUser}},
	})).To(Succeed())
	cfg := user.Config()
	cfg.QPS = -1
	return cfg
}

// grantLeaderElection gives it the rights of the leader election in a namespace.
func grantLeaderElection(ctx context.Context, namespace string) {
	GinkgoHelper()
	role := &rbacv1.Role{}
	fromFile("../../config/rbac/leader_election_role.yaml", role)
	role.Namespace = namespace
	Expect(direct.Create(ctx, role)).To(Succeed())
	Expect(direct.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name, Namespace: namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: operatorUser}},
	})).To(Succeed())
}

func clusterRole() *rbacv1.ClusterRole {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{}
	fromFile("../../config/rbac/role.yaml", role)
	return role
}

func fromFile(file string, object any) {
	GinkgoHelper()
	objects := decode(file)
	Expect(objects).To(HaveLen(1))
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(objects[0].Object, object, true)).To(Succeed())
}

// unused are the rights of the role that no operator has made use of.
func unused() []right {
	GinkgoHelper()
	used.Lock()
	defer used.Unlock()
	var out []right
	for _, rule := range clusterRole().Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					if r := (right{group, resource, verb}); !used.rights.Has(r) && !implied(r) {
						out = append(out, r)
					}
				}
			}
		}
	}
	return out
}

// implied rights are not seen in requests here: an apply that makes an object takes create, an owner reference the owner's
// finalizers, and an event that comes again within minutes is patched.
func implied(r right) bool {
	switch {
	case r.verb == "create":
		r.verb = "patch"
		return used.rights.Has(r)
	case r.verb == "patch" && r.resource == "events":
		return true
	}
	return r.resource == "ctrmodels/finalizers"
}

var _ = ReportAfterSuite("The operator has no right that it does not use", func(report types.Report) {
	if report.SuiteSucceeded && report.PreRunStats.SpecsThatWillRun == report.PreRunStats.TotalSpecs {
		Expect(unused()).To(BeEmpty())
	}
})
