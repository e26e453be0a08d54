package liuhen.context;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;

/** Calls of a connection and its statements, passed on: with the context before each that is executed. */
final class Calls {
    private Calls() {
    }

    static Connection connection(Connection behind, Way way) {
        return (Connection) Proxy.newProxyInstance(
            Calls.class.getClassLoader(), new Class<?>[] {Connection.class}, new OfConnection(behind, way));
    }

    /** Passes a call on, and throws what it throws. */
    private static Object pass(Object behind, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(behind, arguments);
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    /** What the session was told last; after a rollback that is not known. */
    private static final class Told {
        private Context told;

        void before(Connection behind, Way way) throws SQLException {
            Context context = Context.current();
            if (way != Way.SETTING || context == told) {
                return;
            }
            if (told == null || !same(told, context)) {
                try (Statement statement = behind.createStatement()) {
                    statement.execute(Way.settings(context));
                }
            }
            told = context;
        }

        void forget() {
            told = null;
        }

        private static boolean same(Context one, Context other) {
            return Way.settings(one).equals(Way.settings(other));
        }
    }

    private static final class OfConnection implements InvocationHandler {
        private final Connection behind;
        private final Way way;
        private final Told told = new Told();

        OfConnection(Connection behind, Way way) {
            this.behind = behind;
            this.way = way;
        }

        @Override
        public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
            String name = method.getName();
            if (name.equals("equals") && arguments != null && arguments.length == 1) {
                return self == arguments[0];
            }
            boolean prepares = name.equals("prepareStatement") || name.equals("prepareCall");
            if (prepares && way == Way.COMMENT && arguments[0] instanceof String) {
                arguments = arguments.clone();
                arguments[0] = Way.commented((String) arguments[0], Context.current());
            }
            if (name.equals("rollback")) {
                told.forget();
            }
            Object made;
            try {
                made = pass(behind, method, arguments);
            } catch (SQLException error) {
                // A commit that failed has undone what was set.
                told.forget();
                throw error;
            }
            Class<?> kind = kind(made);
            if (kind == null) {
                return made;
            }
            InvocationHandler handler = new OfStatement((Connection) self, behind, (Statement) made, way, told);
            return Proxy.newProxyInstance(Calls.class.getClassLoader(), new Class<?>[] {kind}, handler);
        }

        private static Class<?> kind(Object made) {
            if (made instanceof CallableStatement) {
                return CallableStatement.class;
            }
            if (made instanceof PreparedStatement) {
                return PreparedStatement.class;
            }
            return made instanceof Statement ? Statement.class : null;
        }
    }

    private static boolean resets(String sql) {
        String begin = sql.trim().toUpperCase(Locale.ROOT);
        return begin.startsWith("DISCARD") || begin.startsWith("RESET");
    }

    private static final class OfStatement implements InvocationHandler {
        private final Connection outer;
        private final Connection connection;
        private final Statement behind;
        private final Way way;
        private final Told told;

        OfStatement(Connection outer, Connection connection, Statement behind, Way way, Told told) {
            this.outer = outer;
            this.connection = connection;
            this.behind = behind;
            this.way = way;
            this.told = told;
        }

        @Override
        public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
            String name = method.getName();
            if (name.equals("equals") && arguments != null && arguments.length == 1) {
                return self == arguments[0];
            }
            if (name.equals("getConnection")) {
                return outer;
            }
            boolean executes = name.startsWith("execute");
            if (executes) {
                told.before(connection, way);
            }
            boolean hasText = arguments != null && arguments.length > 0 && arguments[0] instanceof String;
            if ((executes || name.equals("addBatch")) && hasText && way == Way.COMMENT) {
                arguments = arguments.clone();
                arguments[0] = Way.commented((String) arguments[0], Context.current());
            }
            if (executes && hasText && resets((String) arguments[0])) {
                // A pool takes back what the session was told.
                told.forget();
            }
            try {
                return pass(behind, method, arguments);
            } catch (SQLException error) {
                // What failed may have undone what was set within its transaction.
                told.forget();
                throw error;
            }
        }
    }
}
